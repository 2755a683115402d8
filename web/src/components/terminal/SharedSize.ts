import { boundedSize } from '../../live/terminalSize';
import type { TerminalSize } from '../../protocol/messages';

/** Until a size stays as it is: a program draws its screen anew for each. */
const WISH_SECONDS = 0.1;

export interface SharedSizeOptions {
  /** The size that the program's terminal has to begin with. */
  readonly size: TerminalSize;
  /** Whether the terminal is to have the size of this window, as it was started from here. */
  readonly takes: boolean;
  /** Whether this person may change the size. */
  readonly mayChange: () => boolean;
  readonly send: (size: TerminalSize, take: boolean) => void;
  readonly schedule: (seconds: number, callback: () => void) => () => void;
  /** The terminal has this size now. */
  readonly onSize: (size: TerminalSize) => void;
  readonly onControl: (controls: boolean) => void;
}

/**
 * The size of a program's terminal that several windows show. Pure.
 *
 * The program has one size: that of the window that was typed into last. What there is room for here
 * is a wish that the hub keeps, and applies once it is typed here.
 */
export class SharedSize {
  controls = false;
  readonly #options: SharedSizeOptions;
  #size: TerminalSize;
  #room: TerminalSize | null = null;
  #takes: boolean;
  // Whether the hub counts this window among those of the terminal, and what it was told.
  #isJoined = false;
  #told: TerminalSize | null = null;
  #cancel: (() => void) | null = null;

  constructor(options: SharedSizeOptions) {
    this.#options = options;
    this.#size = boundedSize(options.size);
    this.#takes = options.takes;
  }

  /** The program's. */
  get size(): TerminalSize {
    return this.#size;
  }

  /** Whether the terminal has the size of another window, as far as that can be told. */
  get isElsewhere(): boolean {
    return !this.controls && this.#room !== null && !isSame(this.#room, this.#size);
  }

  /** There is room for so much here; it counts once it stays so. */
  fit(room: TerminalSize): void {
    if (this.#room !== null && isSame(room, this.#room)) {
      return;
    }
    this.#room = room;
    this.#tellSoon();
  }

  /** The terminal is to have the size of this window. */
  take(): void {
    this.#takes = true;
    this.#tell();
  }

  /** The hub has said what the terminal is like; `controls`: by which it counts this window in. */
  changed(size: TerminalSize, controls?: boolean): void {
    const bounded = boundedSize(size);
    const isOther = !isSame(bounded, this.#size);
    this.#size = bounded;
    if (isOther) this.#options.onSize(bounded);
    if (controls === undefined) {
      return;
    }
    this.#isJoined = true;
    if (controls !== this.controls) {
      this.controls = controls;
      this.#options.onControl(controls);
    }
    this.#tell();
  }

  /** What follows is of another subscription: the hub knows nothing of this window any more. */
  left(): void {
    this.#isJoined = false;
    this.#told = null;
    if (this.controls) {
      this.controls = false;
      this.#options.onControl(false);
    }
  }

  close(): void {
    this.#cancel?.();
  }

  #tellSoon(): void {
    this.#cancel?.();
    this.#cancel = this.#options.schedule(WISH_SECONDS, () => {
      this.#cancel = null;
      this.#tell();
    });
  }

  #tell(): void {
    const room = this.#room;
    if (room === null || !this.#isJoined || !this.#options.mayChange()) {
      return;
    }
    const takes = this.#takes;
    if (!takes && this.#told !== null && isSame(room, this.#told)) {
      return;
    }
    this.#takes = false;
    this.#told = room;
    this.#options.send(room, takes);
  }
}

function isSame(one: TerminalSize, other: TerminalSize): boolean {
  return one.cols === other.cols && one.rows === other.rows;
}
