import { isLineFeed } from './drawPace';
import type { Piece } from './taskFeed';

/** Longest character of UTF-8, in bytes. */
const MAX_CHARACTER_BYTES = 4;

/** Leaves out a first line that is cut off, unless its end is too far away. */
export class FirstLine {
  #left: number;

  /** Looks through at most `bytes`; 0: the output begins with a whole line. */
  constructor(bytes: number) {
    this.#left = bytes;
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
    const skip = feed < 0 ? firstCharacter(bytes) : feed + 1;
    return skip === bytes.length
      ? null
      : { ...piece, offset: offset + skip, bytes: bytes.subarray(skip) };
  }
}

/** Index of the first byte that begins a character of UTF-8. */
function firstCharacter(bytes: Uint8Array): number {
  let index = 0;
  while (index < MAX_CHARACTER_BYTES - 1 && ((bytes[index] ?? 0) & 0xc0) === 0x80) index += 1;
  return index;
}
