import type { IBuffer } from '@xterm/xterm';
import type { Heard } from '../../live/announcer';
import type { TerminalScreen } from './TerminalScreen';

/** More of the end is not put into words. */
const TAIL_ROWS = 20;

export interface Readable extends Heard {
  readonly inView: readonly string[];
}

export const NOTHING_TO_READ: Readable = { row: 0, tail: [], inView: [], isLive: false };

/** The lines in view and the last ones, each as a whole though it takes several rows. */
export function readableRows({ terminal, buffer }: TerminalScreen, isLive: boolean): Readable {
  const { active } = terminal.buffer;
  const { viewportY, baseY, cursorY } = active;
  const cursor = baseY + cursorY;
  const tail = linesOf(active, Math.max(0, cursor + 1 - TAIL_ROWS), cursor + 1);
  return {
    row: buffer.trimmed + buffer.cursor,
    tail: tail.filter((line) => line.trim() !== ''),
    inView: linesOf(active, viewportY, viewportY + terminal.rows),
    // A program on its other screen draws, and does not write line by line.
    isLive: isLive && active.type === 'normal',
  };
}

/** Without the empty ones after the last. */
function linesOf(buffer: IBuffer, from: number, to: number): string[] {
  const lines: string[] = [];
  for (let row = from; row < Math.min(to, buffer.length); row += 1) {
    const line = buffer.getLine(row);
    const text = line?.translateToString(true) ?? '';
    if (line?.isWrapped && lines.length > 0) lines.push((lines.pop() ?? '') + text);
    else lines.push(text);
  }
  return lines.slice(0, lines.findLastIndex((line) => line !== '') + 1);
}
