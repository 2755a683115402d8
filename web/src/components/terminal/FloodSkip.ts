const KIB = 1024;

export interface SkipLimits {
  /** So far behind, what lies in front of the end is passed over. */
  readonly behindBytes: number;
  /** The same right after that, while the flood lasts. */
  readonly stillBehindBytes: number;
  /** What is shown then, of the end. */
  readonly tailBytes: number;
  /** Time in which nothing more is drawn, so that keys and frames have their turn. */
  readonly restSeconds: number;
}

/** A log is read: only what cannot be caught up with is passed over. */
const LOG: SkipLimits = {
  behindBytes: 8 * KIB * KIB,
  stillBehindBytes: 8 * KIB * KIB,
  tailBytes: 256 * KIB,
  restSeconds: 0,
};
/** A terminal is typed into: what counts is its newest screen, and how soon that is there. */
const TERMINAL: SkipLimits = {
  behindBytes: 256 * KIB,
  stillBehindBytes: 64 * KIB,
  tailBytes: 64 * KIB,
  restSeconds: 0.1,
};

export function skipLimits(isTerminal: boolean): SkipLimits {
  return isTerminal ? TERMINAL : LOG;
}

/** What is skipped in. */
export interface Skipped {
  /** It follows the end, and has drawn all there was when it began to. */
  readonly maySkip: boolean;
  /** Go on at the last `tail` bytes, and rest once they are drawn, until `goOn`. */
  skip(tail: number): void;
  goOn(): void;
}

export interface SkipEnvironment {
  /** Bytes that there are and that are not drawn. */
  behind(): number;
  schedule(seconds: number, callback: () => void): () => void;
  /** Call once, after the next frame has been drawn; the function returned calls it off. */
  afterFrame(callback: () => void): () => void;
}

/**
 * Passes over the output of a flood, so that its newest screen is shown soon after it was written.
 *
 * A browser draws less than a program writes. Each time the end is skipped to, drawn, seen in a
 * frame, and rested from: without the rest the page would draw frames back to back, and a key and
 * its effect would wait behind several of them.
 */
export class FloodSkip {
  readonly #window: Skipped;
  readonly #limits: SkipLimits;
  readonly #environment: SkipEnvironment;
  #isFlood = false;
  #isResting = false;
  #cancel: (() => void)[] = [];

  constructor(window: Skipped, limits: SkipLimits, environment: SkipEnvironment) {
    this.#window = window;
    this.#limits = limits;
    this.#environment = environment;
  }

  /** There may be more to draw than before. */
  check(): void {
    const { behindBytes, stillBehindBytes, tailBytes } = this.#limits;
    if (this.#isResting || !this.#window.maySkip) {
      return;
    }
    this.#isFlood = this.#environment.behind() > (this.#isFlood ? stillBehindBytes : behindBytes);
    if (this.#isFlood) {
      this.#window.skip(tailBytes);
      this.#rest();
    }
  }

  /** Whether output is passed over, or was a moment ago. */
  get isActive(): boolean {
    return this.#isFlood || this.#isResting;
  }

  close(): void {
    for (const cancel of this.#cancel) cancel();
    this.#cancel = [];
  }

  #rest(): void {
    this.#isResting = true;
    const { schedule, afterFrame } = this.#environment;
    let waitsFor = 2;
    const passed = () => {
      waitsFor -= 1;
      if (waitsFor === 0) this.#rested();
    };
    this.#cancel = [schedule(this.#limits.restSeconds, passed), afterFrame(passed)];
  }

  #rested(): void {
    this.#isResting = false;
    this.check();
    if (!this.#isResting) this.#window.goOn();
  }
}
