/** After a flood the screen is asked for once nothing was passed over for so long. */
const CALM_SECONDS = 1;

export interface ReturnEnvironment {
  /** Seconds, monotonic. */
  now(): number;
  schedule(seconds: number, callback: () => void): () => void;
  /** Whether what is shown is the end of a terminal, painted from its output alone. */
  isDue(): boolean;
  /** Go on from the screen as the hub knows it. */
  goOn(): void;
}

/**
 * Brings a terminal back to its screen, after a flood was passed over or an older place was read.
 *
 * The end of an output paints what was written last; what was there before, and modes that were set
 * long ago, only the hub knows.
 */
export class ScreenReturn {
  readonly #environment: ReturnEnvironment;
  #skippedAt = Number.NEGATIVE_INFINITY;
  #cancel: (() => void) | null = null;

  constructor(environment: ReturnEnvironment) {
    this.#environment = environment;
  }

  /** Output was passed over. */
  skipped(): void {
    this.#skippedAt = this.#environment.now();
  }

  /** It may be due by now. */
  check(): void {
    const { now, schedule, isDue, goOn } = this.#environment;
    if (this.#cancel !== null || !isDue()) {
      return;
    }
    const left = this.#skippedAt + CALM_SECONDS - now();
    if (left <= 0) {
      goOn();
      return;
    }
    this.#cancel = schedule(left, () => {
      this.#cancel = null;
      this.check();
    });
  }

  close(): void {
    this.#cancel?.();
  }
}
