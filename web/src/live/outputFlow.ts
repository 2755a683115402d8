/** Seconds of which the rate is the average. */
const RATE_SECONDS = 3;
const SAMPLES_PER_SECOND = 4;

/** How fast output is shown, and how long it waits for that. Times are in seconds. */
export class OutputFlow {
  #samples: { at: number; bytes: number }[] = [];
  #delay = 0;

  /** Bytes that arrived at `arrived` have been shown. */
  shown(bytes: number, arrived: number, now: number): void {
    this.#delay = now - arrived;
    const last = this.#samples.at(-1);
    if (last !== undefined && now - last.at < 1 / SAMPLES_PER_SECOND) last.bytes += bytes;
    else this.#samples.push({ at: now, bytes });
    this.#forget(now);
  }

  ratePerSecond(now: number): number {
    this.#forget(now);
    const bytes = this.#samples.reduce((sum, sample) => sum + sample.bytes, 0);
    return bytes / RATE_SECONDS;
  }

  /** From arriving to being shown, of the latest. */
  get delay(): number {
    return this.#delay;
  }

  #forget(now: number): void {
    const oldest = this.#samples.findIndex(({ at }) => at > now - RATE_SECONDS);
    this.#samples = oldest < 0 ? [] : this.#samples.slice(oldest);
  }
}
