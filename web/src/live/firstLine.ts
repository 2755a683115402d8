import { isLineFeed } from './drawPace';
import type { Piece } from './taskFeed';

const KIB = 1024;
/** How far a first line that is cut off is looked through for its end. */
const ALIGN_BYTES = 64 * KIB;
const TERMINAL_ALIGN_BYTES = 4 * KIB;
/** Drawn of the end of a flood, at most: dozens of screens, in a few milliseconds. */
const SKIPPED_TO_LINES = 1_000;
/** Longest character of UTF-8, in bytes. */
const MAX_CHARACTER_BYTES = 4;

/** Leaves out a first line that is cut off, unless its end is too far away, and lines too many. */
export class FirstLine {
  #left: number;
  readonly #lines: number;

  /**
   * Looks through at most `bytes`; 0: the output begins with a whole line. Of the piece in which it
   * begins at most the last `lines` are left.
   */
  constructor(bytes: number, lines = Number.POSITIVE_INFINITY) {
    this.#left = bytes;
    this.#lines = lines;
  }

  /** What of a piece is whole; null: nothing. */
  align(piece: Piece): Piece | null {
    const { bytes, offset } = piece;
    if (this.#left === 0) {
      return piece;
    }
    const feed = bytes.subarray(0, this.#left).findIndex(isLineFeed);
    if (feed < 0 && bytes.length < this.#left) {
      this.#left -= bytes.length;
      return null;
    }
    this.#left = 0;
    const begin = feed < 0 ? firstCharacter(bytes) : feed + 1;
    const skip = Math.max(begin, beforeLines(bytes, this.#lines));
    return skip === bytes.length
      ? null
      : { ...piece, offset: offset + skip, bytes: bytes.subarray(skip) };
  }
}

/** For output from `offset` on; `isSkip`: it is the end of a flood. */
export function firstLineAt(offset: number, isTerminal: boolean, isSkip: boolean): FirstLine {
  const lookedThrough = isTerminal ? TERMINAL_ALIGN_BYTES : ALIGN_BYTES;
  const most = isSkip ? SKIPPED_TO_LINES : Number.POSITIVE_INFINITY;
  return new FirstLine(offset === 0 ? 0 : lookedThrough, most);
}

/** Index behind which there are at most so many line feeds. */
function beforeLines(bytes: Uint8Array, lines: number): number {
  let left = lines;
  for (let index = bytes.length - 1; index >= 0; index -= 1) {
    if (!isLineFeed(bytes[index])) continue;
    if (left === 0) return index + 1;
    left -= 1;
  }
  return 0;
}

/** Index of the first byte that begins a character of UTF-8. */
function firstCharacter(bytes: Uint8Array): number {
  let index = 0;
  while (index < MAX_CHARACTER_BYTES - 1 && ((bytes[index] ?? 0) & 0xc0) === 0x80) index += 1;
  return index;
}
