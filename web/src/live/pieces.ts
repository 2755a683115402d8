import { isLineFeed } from './lineTable';
import type { Piece } from './taskFeed';

/** What is drawn at once: little enough that typing and scrolling never wait long for it. */
const MAX_BYTES = 16 * 1024;
const MAX_LINES = 500;
// Escape sequences may ask for much work in few bytes.
const MAX_ESCAPES = 500;
const ESCAPE = 0x1b;

/** A piece in parts that can be drawn at once, cut after lines where there are any. */
export function cutPiece(piece: Piece): Piece[] {
  const { bytes, offset } = piece;
  const parts: Piece[] = [];
  let start = 0;
  while (start < bytes.length) {
    const end = start + cutLength(bytes.subarray(start, start + MAX_BYTES), bytes.length - start);
    parts.push({ ...piece, offset: offset + start, bytes: bytes.subarray(start, end) });
    start = end;
  }
  return parts;
}

function cutLength(bytes: Uint8Array, available: number): number {
  let lines = 0;
  let escapes = 0;
  let afterLine = 0;
  for (let index = 0; index < bytes.length; index += 1) {
    const byte = bytes[index];
    if (isLineFeed(byte)) {
      lines += 1;
      afterLine = index + 1;
      if (lines === MAX_LINES) return afterLine;
    } else if (byte === ESCAPE) {
      escapes += 1;
      if (escapes > MAX_ESCAPES) return index;
    }
  }
  return bytes.length === available || afterLine === 0 ? bytes.length : afterLine;
}
