/** What went through a port, for those who watch over it. Latencies are milliseconds from a request's coming to its answer. */
export class Traffic {
  receivedCount = 0
  sentCount = 0
  answeredCount = 0
  latencyMsMin = 0
  latencyMsMax = 0
  #latencyMsSum = 0

  get latencyMsMean(): number {
    return this.answeredCount === 0 ? 0 : this.#latencyMsSum / this.answeredCount
  }

  answered(latencyMs: number): void {
    this.latencyMsMin = this.answeredCount === 0 ? latencyMs : Math.min(this.latencyMsMin, latencyMs)
    this.latencyMsMax = Math.max(this.latencyMsMax, latencyMs)
    this.#latencyMsSum += latencyMs
    this.answeredCount++
  }

  reset(): void {
    this.receivedCount = this.sentCount = this.answeredCount = 0
    this.latencyMsMin = this.latencyMsMax = this.#latencyMsSum = 0
  }
}
