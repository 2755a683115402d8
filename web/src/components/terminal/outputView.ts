import type { Streams } from '../../live/windowOptions';
import type { TerminalSize } from '../../protocol/messages';

/** What a page shows about an output. Changes at most ten times a second. */
export interface OutputViewState {
  /** Offset of the first byte that can be scrolled to at once. */
  readonly start: number;
  /** Offset up to which everything is drawn. */
  readonly end: number;
  /** How long the output is, as far as is known. */
  readonly size: number;
  /** What is in view. */
  readonly visibleFrom: number;
  readonly visibleTo: number;
  readonly following: boolean;
  readonly times: boolean;
  readonly wrap: boolean;
  readonly streams: Streams;
  /** Bytes beyond what is drawn. */
  readonly moreBelow: number;
  /** Bytes a second that are shown, lately. */
  readonly ratePerSecond: number;
  /** How far what is shown is behind while following; null while held. */
  readonly behindBytes: number | null;
  readonly behindMs: number | null;
  /** Whether this page may type into the task. */
  readonly writable: boolean;
  /** Whether what is typed goes to the program now: it has the keyboard. */
  readonly attached: boolean;
  /** The size of the program's terminal if it is that of another window. */
  readonly sizeElsewhere: TerminalSize | null;
  /** Whether the next key of the key row or the phone's keyboard is taken with Ctrl. */
  readonly ctrl: boolean;
  /** What does not work, for a person. */
  readonly problem: string | null;
}

export const NOTHING_YET: OutputViewState = {
  start: 0,
  end: 0,
  size: 0,
  visibleFrom: 0,
  visibleTo: 0,
  following: true,
  times: false,
  wrap: true,
  streams: 'both',
  moreBelow: 0,
  ratePerSecond: 0,
  behindBytes: 0,
  behindMs: null,
  writable: false,
  attached: false,
  sizeElsewhere: null,
  ctrl: false,
  problem: null,
};
