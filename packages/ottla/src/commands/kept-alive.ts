/** Does `work`, and keeps the process alive meanwhile: timers of env don't, and a connection that is being tried has nothing else. */
export async function keptAlive<T>(work: () => Promise<T>): Promise<T> {
  const alive = setInterval(() => {}, 1 << 30)
  try {
    return await work()
  } finally {
    clearInterval(alive)
  }
}
