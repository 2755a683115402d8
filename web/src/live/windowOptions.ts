import type { GapInfo, Screen, TerminalState } from '../protocol/messages';
import type { Piece } from './taskFeed';

export type Streams = 'both' | 'stdout' | 'stderr';

/** Bytes that are not drawn yet. */
export interface Waiting {
  readonly piece: Piece;
  /** Told up to where it is drawn. */
  readonly drawn: (to: number) => void;
}

/** Where to be once it is drawn: `rowsAbove` rows above the row `rowInLine` of a byte's line. */
export interface Target {
  readonly offset: number;
  readonly rowInLine: number;
  readonly rowsAbove: number;
}

export interface WindowOptions {
  readonly isTerminal: boolean;
  readonly streams: Streams;
  /** Whether the bytes at an offset were written while we were looking. */
  readonly isLive: (offset: number) => boolean;
  /**
   * Go on from another offset; negative: so many bytes before the end. `isSkip`: further on in the
   * same run of a program.
   */
  readonly seek: (offset: number, isSkip: boolean) => void;
  /** A terminal has this size from here on; all before it is drawn. */
  readonly onTerminal?: (state: Screen | TerminalState) => void;
  /** Seconds, monotonic. */
  readonly now: () => number;
  /** Something about what is shown has changed. */
  readonly onChange: () => void;
}

/** What arrived, in its order: bytes, a gap, what a terminal shows, a change of it. */
export type Queued = Waiting | GapInfo | Screen | TerminalState;
