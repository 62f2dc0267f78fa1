export function total(views: readonly Uint8Array[]): number {
  let size = 0
  for (let i = 0; i < views.length; i++) size += views[i]!.length
  return size
}

/** What a short write left: `views` without their first `skip` bytes. */
export function rest(views: readonly Uint8Array[], skip: number): Uint8Array[] {
  if (skip === 0) return views as Uint8Array[]
  const left: Uint8Array[] = []
  for (const view of views) {
    if (skip < view.length) left.push(view.subarray(skip))
    skip = Math.max(0, skip - view.length)
  }
  return left
}
