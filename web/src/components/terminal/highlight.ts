import type { IBuffer } from '@xterm/xterm';
import type { SearchHit } from '../../protocol/messages';

/** A logical line is looked through no further. */
const MAX_ROWS = 400;

export interface Span {
  readonly row: number;
  readonly column: number;
  /** In cells, over the ends of rows. */
  readonly length: number;
}

/** What of a hit's line is the match. */
export function matchedText(hit: SearchHit): string {
  return Array.from(hit.text)
    .slice(hit.column, hit.column + hit.width)
    .join('');
}

/** Where a match is in the rows of its line; `prefix`: what is readable before it in that line. */
export function spanOf(buffer: IBuffer, row: number, prefix: string, match: string): Span | null {
  const { text, cells, cols } = lineAt(buffer, row);
  let before = occurrences(prefix, match);
  let index = text.indexOf(match);
  while (before > 0) {
    const next = text.indexOf(match, index + match.length);
    if (next < 0) break;
    index = next;
    before -= 1;
  }
  if (match === '' || index < 0) {
    return null;
  }
  const first = cells[index] ?? 0;
  const last = cells[index + match.length - 1] ?? first;
  return {
    row: row + Math.floor(first / cols),
    column: first % cols,
    length: last - first + 1,
  };
}

/** A line's text, and for each of its UTF-16 units the cell it is in. */
function lineAt(buffer: IBuffer, row: number): { text: string; cells: number[]; cols: number } {
  let text = '';
  const cells: number[] = [];
  let cols = 1;
  for (let at = row; at < row + MAX_ROWS; at += 1) {
    const line = buffer.getLine(at);
    if (line === undefined || (at > row && !line.isWrapped)) break;
    cols = line.length;
    for (let x = 0; x < line.length; x += 1) {
      const cell = line.getCell(x);
      if (cell === undefined || cell.getWidth() === 0) continue;
      const chars = cell.getChars() || ' ';
      for (let unit = 0; unit < chars.length; unit += 1) cells.push((at - row) * cols + x);
      text += chars;
    }
  }
  return { text, cells, cols };
}

function occurrences(text: string, match: string): number {
  let count = 0;
  let index = match === '' ? -1 : text.indexOf(match);
  while (index >= 0) {
    count += 1;
    index = text.indexOf(match, index + match.length);
  }
  return count;
}
