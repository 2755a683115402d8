const KIB = 1024;
/** What is drawn at once, at most: little enough that typing and scrolling never wait for it. */
const MAX_BYTES = 16 * KIB;
const MIN_BYTES = KIB;
const MAX_LINES = 500;
/** Escape sequences may ask for much work in few bytes. */
const MAX_ESCAPES = 500;
const FIRST_ESCAPES = 64;
const MIN_ESCAPES = 4;
/** Of the terminal's own work on a part. xterm lets the browser do something else every 12 ms. */
const SLOW_SECONDS = 0.012;
const QUICK_SECONDS = 0.004;
const ESCAPE = 0x1b;
const FIRST_LINE_FEED = 10;
const LAST_LINE_FEED = 12;

/** What moves a terminal to the next line: LF, VT and FF. */
export function isLineFeed(byte: number | undefined): boolean {
  return byte !== undefined && byte >= FIRST_LINE_FEED && byte <= LAST_LINE_FEED;
}

/**
 * How much is drawn at once: less when the terminal works on it for long.
 *
 * Time that others take does not count. A busy machine is no reason for smaller parts: each has a
 * turn of the browser's to wait for, so that they would only make it slower.
 */
export class DrawPace {
  #bytes = MAX_BYTES;
  #escapes = FIRST_ESCAPES;

  /** The terminal worked on the last part for so long. */
  took(seconds: number): void {
    if (seconds > SLOW_SECONDS) {
      this.#bytes = Math.max(MIN_BYTES, this.#bytes / 2);
      this.#escapes = Math.max(MIN_ESCAPES, this.#escapes / 2);
    } else if (seconds < QUICK_SECONDS) {
      this.#bytes = Math.min(MAX_BYTES, this.#bytes * 2);
      this.#escapes = Math.min(MAX_ESCAPES, this.#escapes * 2);
    }
  }

  /** How many of these bytes to draw next; after a line's end, if there is one. */
  cut(bytes: Uint8Array): number {
    const part = bytes.subarray(0, this.#bytes);
    let lines = 0;
    let escapes = 0;
    let afterLine = 0;
    for (let index = 0; index < part.length; index += 1) {
      const byte = part[index];
      if (isLineFeed(byte)) {
        lines += 1;
        afterLine = index + 1;
        if (lines === MAX_LINES) return afterLine;
      } else if (byte === ESCAPE) {
        escapes += 1;
        if (escapes > this.#escapes) return index;
      }
    }
    return part.length === bytes.length || afterLine === 0 ? part.length : afterLine;
  }
}
