import type { TerminalSize } from '../protocol/messages';

/** As the hub's limits of the same names. */
export const MAX_TERMINAL_SIZE: TerminalSize = { cols: 1_000, rows: 500 };
/** Rows that can be scrolled back to, unless they are very wide. */
export const SCROLLBACK_ROWS = 10_000;
/** Twelve bytes each in xterm. */
const MAX_CELLS = 3_000_000;

/** A size that a terminal may be given: xterm allocates its cells at once, whoever chose the size. */
export function boundedSize(size: TerminalSize): TerminalSize {
  const bounded = (side: 'cols' | 'rows') =>
    Math.min(Math.max(1, Math.trunc(size[side]) || 1), MAX_TERMINAL_SIZE[side]);
  return { cols: bounded('cols'), rows: bounded('rows') };
}

/** How many rows of so many columns can be kept. */
export function scrollbackOf({ cols }: TerminalSize): number {
  return Math.min(SCROLLBACK_ROWS, Math.floor(MAX_CELLS / boundedSize({ cols, rows: 1 }).cols));
}
