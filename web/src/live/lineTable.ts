import type { GapInfo } from '../protocol/messages';
import { isLineFeed } from './drawPace';
import { plainText } from './plainText';
import type { Piece } from './taskFeed';

/** A line's beginning is looked for no further back. */
const LOOK_BACK_BYTES = 256 * 1024;

/** The rows a terminal keeps, from the top; `isWrapped`: the row goes on the line before it. */
export interface Rows {
  readonly length: number;
  isWrapped(row: number): boolean;
}

/** Bytes, or a gap, that were drawn beginning in `row`; rows count from the first ever drawn. */
export interface Entry {
  readonly row: number;
  /** The row the next entry begins in. */
  readonly endRow: number;
  readonly offset: number;
  readonly end: number;
  readonly piece: Piece | null;
  readonly gap: GapInfo | null;
}

export interface Place {
  readonly offset: number;
  readonly entry: Entry;
}

/**
 * Which bytes are in which rows of a terminal. Pure.
 *
 * Entries are small, and within one lines are counted: a row that is not wrapped begins a line.
 * Programs that move the cursor about may blur that, but never beyond the rows of their entry.
 */
export class LineTable {
  #entries: Entry[] = [];
  #first = 0;
  #isWhole = true;

  /** Whether nothing was forgotten since the table was empty. */
  get isWhole(): boolean {
    return this.#isWhole;
  }

  get isEmpty(): boolean {
    return this.#first === this.#entries.length;
  }

  /** Offset of the first byte that is still in the table. */
  get start(): number | null {
    return this.#entries[this.#first]?.offset ?? null;
  }

  clear(): void {
    this.#entries = [];
    this.#first = 0;
    this.#isWhole = true;
  }

  /** The rows there are have nothing to do with the entries any more. */
  forget(): void {
    this.clear();
    this.#isWhole = false;
  }

  add(entry: Entry): void {
    this.#entries.push(entry);
  }

  /** Whether the piece could be joined to the last entry: both draw in the same single row. */
  merge(piece: Piece, row: number, endRow: number, maxBytes: number): boolean {
    const last = this.#entries.at(-1);
    if (
      last?.piece?.isError !== piece.isError ||
      last.end !== piece.offset ||
      last.row !== row ||
      last.endRow !== row ||
      endRow !== row ||
      last.piece.bytes.length + piece.bytes.length > maxBytes
    ) {
      return false;
    }
    const bytes = new Uint8Array(last.piece.bytes.length + piece.bytes.length);
    bytes.set(last.piece.bytes);
    bytes.set(piece.bytes, last.piece.bytes.length);
    const end = piece.offset + piece.bytes.length;
    this.#entries[this.#entries.length - 1] = { ...last, end, piece: { ...last.piece, bytes } };
    return true;
  }

  /** Forget the oldest until at most so many bytes are left; how many there are. */
  dropOldest(maxBytes: number): number {
    let kept = 0;
    let index = this.#entries.length;
    while (index > this.#first) {
      const size = this.#entries[index - 1]?.piece?.bytes.length ?? 0;
      if (kept + size > maxBytes) break;
      kept += size;
      index -= 1;
    }
    this.#entries = this.#entries.slice(index);
    this.#first = 0;
    this.#isWhole = false;
    return kept;
  }

  /** Forget what is entirely above a row. */
  dropAbove(row: number): void {
    const entries = this.#entries;
    while (this.#first < entries.length - 1 && (entries[this.#first] as Entry).endRow < row) {
      this.#first += 1;
      this.#isWhole = false;
    }
    if (this.#first > 1024 && this.#first * 2 > entries.length) {
      this.#entries = entries.slice(this.#first);
      this.#first = 0;
    }
  }

  *all(): Iterable<Entry> {
    for (let index = this.#first; index < this.#entries.length; index += 1) {
      yield this.#entries[index] as Entry;
    }
  }

  /** The line that a row belongs to; `trimmed`: how many rows are above the first of `rows`. */
  placeOf(row: number, rows: Rows, trimmed: number): Place | null {
    const index = this.#indexOfLast((item) => item.row <= row);
    const entry = this.#entries[index];
    if (index < this.#first || entry === undefined) {
      return null;
    }
    const lines = linesBefore(entry, row, rows, trimmed);
    if (entry.piece === null || lines === 0) {
      return this.#lineStart(index, entry);
    }
    return { offset: entry.offset + afterLineFeed(entry.piece.bytes, lines), entry };
  }

  /** Where the line begins that an entry goes on. */
  #lineStart(index: number, entry: Entry): Place {
    let begins = entry;
    for (let at = index - 1; at >= this.#first; at -= 1) {
      const before = this.#entries[at];
      const isFar = before === undefined || entry.offset - before.offset > LOOK_BACK_BYTES;
      if (isFar || before.piece === null || entry.piece === null) break;
      const feed = lastLineFeed(before.piece.bytes);
      if (feed >= 0) {
        const after = before.offset + feed + 1;
        return after === begins.offset
          ? { offset: after, entry: begins }
          : { offset: after, entry: before };
      }
      begins = before;
    }
    return { offset: begins.offset, entry: begins };
  }

  /** Whether any byte of stderr was drawn in a row. */
  isErrorAt(row: number): boolean {
    for (let index = this.#indexOfLast((item) => item.row <= row); index >= this.#first; index--) {
      const entry = this.#entries[index] as Entry;
      if (lastRowOf(entry) >= row && entry.piece?.isError === true) return true;
      if (entry.row < row) return false;
    }
    return false;
  }

  /** The gap that was drawn in a row. */
  gapAt(row: number): GapInfo | null {
    const entry = this.#last((item) => item.row <= row);
    return entry !== null && lastRowOf(entry) >= row ? entry.gap : null;
  }

  /** The row in which a byte's line begins, and the byte's place among the line's characters. */
  rowOf(offset: number, rows: Rows, trimmed: number): { row: number; prefix: string } | null {
    const entry = this.#last((item) => item.offset <= offset);
    if (entry === null) {
      return null;
    }
    if (entry.piece === null) {
      return { row: entry.row, prefix: '' };
    }
    const bytes = entry.piece.bytes.subarray(0, offset - entry.offset);
    const lines = countLineFeeds(bytes);
    const start =
      entry.row < trimmed
        ? lineAbove(rows, entry.endRow - trimmed, countLineFeeds(entry.piece.bytes) - lines)
        : lineBelow(rows, entry.row - trimmed, entry.endRow - trimmed, lines);
    return { row: start + trimmed, prefix: this.#prefix(entry, offset) };
  }

  /** What is readable of the line before `offset`, which lies in `entry`. */
  #prefix(entry: Entry, offset: number): string {
    let text = '';
    let index = this.#entries.indexOf(entry, this.#first);
    let to = offset;
    for (; index >= this.#first; index -= 1) {
      const { piece } = this.#entries[index] as Entry;
      if (piece === null) break;
      const bytes = piece.bytes.subarray(0, to - piece.offset);
      const feed = lastLineFeed(bytes);
      text = plainText(bytes.subarray(feed + 1)) + text;
      if (feed >= 0) break;
      to = piece.offset;
    }
    return text;
  }

  #last(matches: (entry: Entry) => boolean): Entry | null {
    const index = this.#indexOfLast(matches);
    return index < this.#first ? null : (this.#entries[index] as Entry);
  }

  /** Of the entries that match, which come before all others. */
  #indexOfLast(matches: (entry: Entry) => boolean): number {
    let low = this.#first;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (matches(this.#entries[middle] as Entry)) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}

/** The last row that an entry drew into: one that ended with a line feed has left `endRow` empty. */
function lastRowOf(entry: Entry): number {
  if (entry.piece === null) return Math.max(entry.row, entry.endRow - 1);
  const ended = isLineFeed(entry.piece.bytes.at(-1));
  return ended ? Math.max(entry.row, entry.endRow - 1) : entry.endRow;
}

/** How many lines begin in the rows after `from`, up to and with `to`. */
function lineStarts(rows: Rows, from: number, to: number): number {
  let lines = 0;
  for (let row = Math.max(0, from) + 1; row <= Math.min(to, rows.length - 1); row += 1) {
    if (!rows.isWrapped(row)) lines += 1;
  }
  return lines;
}

/** How many lines of an entry are above the one in a row. */
function linesBefore(entry: Entry, row: number, rows: Rows, trimmed: number): number {
  if (entry.piece !== null && entry.row < trimmed) {
    // The rows it began in are gone: count from its end.
    const after = lineStarts(rows, row - trimmed, entry.endRow - trimmed);
    return Math.max(0, countLineFeeds(entry.piece.bytes) - after);
  }
  return lineStarts(rows, entry.row - trimmed, row - trimmed);
}

/** The row in which the line begins that is `lines` after the one in row `from`. */
function lineBelow(rows: Rows, from: number, to: number, lines: number): number {
  if (lines === 0) {
    return lineAbove(rows, from, 0);
  }
  let row = from;
  let left = lines;
  while (left > 0 && row < to) {
    row += 1;
    if (row < rows.length && !rows.isWrapped(row)) left -= 1;
  }
  return row;
}

/** The row in which the line begins that is `lines` before the one in row `from`. */
function lineAbove(rows: Rows, from: number, lines: number): number {
  let row = from;
  let left = lines;
  while (row > 0 && (left > 0 || rows.isWrapped(row))) {
    if (!rows.isWrapped(row)) left -= 1;
    row -= 1;
  }
  return row;
}

export function countLineFeeds(bytes: Uint8Array): number {
  let count = 0;
  for (const byte of bytes) {
    if (isLineFeed(byte)) count += 1;
  }
  return count;
}

/** Index after the n-th line feed, or after the last there is. */
function afterLineFeed(bytes: Uint8Array, lines: number): number {
  let left = lines;
  let at = 0;
  for (let index = 0; index < bytes.length && left > 0; index += 1) {
    if (isLineFeed(bytes[index])) {
      left -= 1;
      at = index + 1;
    }
  }
  return at;
}

function lastLineFeed(bytes: Uint8Array): number {
  let index = bytes.length - 1;
  while (index >= 0 && !isLineFeed(bytes[index])) index -= 1;
  return index;
}
