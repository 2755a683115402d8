const FIRST_SECONDS = 0.5;
const CAP_SECONDS = 30;

/** When to reconnect: at once, then with full jitter, for ever. Delays are in seconds. */
export class Backoff {
  #failures = 0;
  readonly #random: () => number;

  /** `random` returns a number in [0, 1). */
  constructor(random: () => number) {
    this.#random = random;
  }

  /** How long to wait before the next attempt; `hint` is what the hub asked for, at least. */
  nextDelay(hint: number | null = null): number {
    this.#failures += 1;
    const random = this.#random();
    const ceiling = Math.min(CAP_SECONDS, FIRST_SECONDS * 2 ** (this.#failures - 2));
    const own = this.#failures === 1 ? 0 : ceiling * random;
    // A hub that asks for no time at all is not besieged either.
    return hint === null ? own : Math.max(own, hint + Math.min(hint, CAP_SECONDS) * random);
  }

  /** The hub has welcomed us: the next failure is again the first. */
  succeeded(): void {
    this.#failures = 0;
  }
}
