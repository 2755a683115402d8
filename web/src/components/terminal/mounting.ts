import type { Link } from '../../live/link';
import type { OutputMap } from '../../live/segments';
import type { Streams } from '../../live/windowOptions';
import type { SearchHit, Task } from '../../protocol/messages';
import type { Look } from './TerminalScreen';

export interface OutputEnvironment {
  /** Seconds, monotonic. */
  now(): number;
  schedule(seconds: number, callback: () => void): () => void;
}

export interface Mounting {
  /** Around the others; colours and type of the look are set on it. */
  readonly box: HTMLElement;
  readonly terminal: HTMLElement;
  readonly marks: HTMLElement;
}

export interface MountedOptions {
  readonly link: Link;
  readonly task: Task;
  readonly look: Look;
  readonly writable: boolean;
  /** Whether the program's terminal is to have the size of this window: it was just started here. */
  readonly takesSize: boolean;
  readonly map: OutputMap;
  /** Where to begin; null: at the end. */
  readonly startAt: number | null;
  readonly times: boolean;
  readonly wrap: boolean;
  readonly streams: Streams;
  readonly hits: () => readonly SearchHit[];
  readonly openLink: (url: string) => void;
  readonly onChange: () => void;
  /** The task is over. */
  readonly onEnd: () => void;
  readonly environment: OutputEnvironment;
}
