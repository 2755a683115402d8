import type {
  ErrorMessage,
  GapInfo,
  HubToViewer,
  Output,
  Screen,
  Subscribe,
  TaskStatusChanged,
  TerminalState,
  ViewerToHub,
} from '../protocol/messages';
import type { Follower } from './link';
import { ReceiveStream } from './receiveStream';
import { Store } from './store';

const KIB = 1024;
/** Unacknowledged bytes we take: enough for a far hub, little enough for any phone. */
export const WINDOW_BYTES = 1024 * KIB;
/** Of a terminal that is typed into: what lies between Ctrl-C and its effect. */
export const TERMINAL_WINDOW_BYTES = 128 * KIB;
/** Acknowledge when this part of the window has been shown, so that it never runs dry. */
const ACK_PART = 1 / 8;
const PUBLISH_SECONDS = 0.1;
/** Changes of a terminal known before the output in front of them; of more, the oldest are passed over. */
const MAX_CHANGES_AHEAD = 64;

/** Bytes as they arrived; `time` is in µs since the task's start. */
export interface Piece {
  readonly offset: number;
  readonly bytes: Uint8Array;
  readonly isError: boolean;
  readonly time: number;
}

/** Where output goes, in order and without repeats. */
export interface OutputSink {
  /** Goes on where the last one ended; `shown` is told up to where it is on the screen. */
  output(piece: Piece, shown: (to: number) => void): void;
  gap(gap: GapInfo): void;
  /** What comes next begins at `offset` and has nothing to do with what came before. */
  restart(offset: number): void;
}

/** Where a task's terminal goes: what it shows, and each change of its size and of who controls it. */
export interface TerminalSink {
  /** Takes the place of all output before its offset. */
  onScreen(screen: Screen): void;
  /** In order with the output. */
  onTerminal(state: TerminalState): void;
  /** Whether the end is followed, so that a screen may take the place of what is missed. */
  readonly wantsScreen: boolean;
}

export interface Progress {
  /** Where the output that arrived ends. */
  readonly end: number;
  /** How long the output is, as far as is known. */
  readonly size: number;
  /** Bytes from here on were written while we were looking: they are no replay. */
  readonly liveFrom: number;
  readonly problem: string | null;
}

export interface FeedEnvironment {
  send(message: ViewerToHub): void;
  schedule(seconds: number, callback: () => void): () => void;
}

/**
 * A task's output on its way from the hub to a sink, across any number of connections and places.
 *
 * The hub sends as far as its window; what is shown is acknowledged, so whoever shows slowly, or
 * not at all, is sent no more.
 */
export class TaskFeed implements Follower {
  readonly taskId: string;
  readonly progress: Store<Progress>;
  readonly #sink: OutputSink;
  readonly #environment: FeedEnvironment;
  readonly #window: number;
  readonly #terminal: TerminalSink | null;
  /** Whether we follow as a terminal: the end, with its screen and its changes. */
  #asTerminal = false;
  #changesAhead: TerminalState[] = [];
  #stream = new ReceiveStream(0);
  #shown = 0;
  #acked = 0;
  #size = 0;
  #liveFrom = Number.POSITIVE_INFINITY;
  #problem: string | null = null;
  /** Negative: so many bytes before the end, wherever that is; null once it has been found. */
  #tail: number | null = null;
  // The hub answers every subscription with the task's status, before its first byte: until the
  // last answer what arrives is of a subscription before.
  #unanswered = 0;
  #followed = false;
  // Counts places, so that what is shown late of an earlier one acknowledges nothing.
  #place = 0;
  #cancelPublish: (() => void) | null = null;

  /**
   * `offset`: where to begin; negative: so many bytes before the end. `terminal`: of a task that has
   * one; at the end its screen is asked for.
   */
  constructor(
    taskId: string,
    offset: number,
    window: number,
    sink: OutputSink,
    environment: FeedEnvironment,
    terminal: TerminalSink | null = null,
  ) {
    this.taskId = taskId;
    this.#terminal = terminal;
    this.#asTerminal = terminal !== null && offset < 0;
    this.#window = window;
    this.#sink = sink;
    this.#environment = environment;
    this.#begin(offset);
    this.progress = new Store<Progress>(this.#current());
  }

  /** Where the output that arrived ends. */
  get end(): number {
    return this.#stream.end;
  }

  get size(): number {
    return this.#size;
  }

  get liveFrom(): number {
    return this.#liveFrom;
  }

  /** Whether nothing has arrived yet of where we want to be. */
  get searching(): boolean {
    return this.#tail !== null;
  }

  /** Whether what arrives is the terminal as it is, or is on its way to that. */
  get isAsTerminal(): boolean {
    return this.#asTerminal;
  }

  /**
   * Go on from another offset; negative: so many bytes before the end. `asTerminal`: from the screen
   * of the task's terminal, if it has one.
   */
  seek(offset: number, asTerminal = offset < 0): void {
    this.#asTerminal = this.#terminal !== null && asTerminal;
    this.#begin(offset);
    if (offset >= 0) this.#sink.restart(offset);
    this.#ask();
    this.#publishSoon();
  }

  /** For a new connection, on which nothing was asked yet. */
  subscribe(): Subscribe {
    this.#followed = true;
    this.#unanswered = 1;
    if (this.#tail === null) this.#asTerminal = this.#terminal?.wantsScreen ?? false;
    return this.#subscription();
  }

  receive(message: HubToViewer): void {
    if (message.type === 'output') {
      this.#output(message);
    } else if (message.type === 'gap') {
      const { from, to, reason } = message;
      const received = this.#take(from, to);
      if (received !== null) this.#sink.gap({ from: received.from, to, reason });
    } else if (message.type === 'screen') {
      this.#screen(message);
    } else if (message.type === 'terminal') {
      this.#changed(message);
    } else if (message.type === 'error') {
      this.#refused(message);
    }
  }

  /** The task's status, as it is told to everybody and in answer to every subscription. */
  changed(status: TaskStatusChanged): void {
    const size = status.task?.outputSize ?? status.finalOffset ?? 0;
    if (this.#unanswered > 0) {
      this.#unanswered -= 1;
      this.#liveFrom = size;
    }
    this.grown(size);
  }

  /** The output is at least this long. */
  grown(size: number): void {
    if (size > this.#size) {
      this.#size = size;
      this.#publishSoon();
    }
  }

  close(): void {
    this.#cancelPublish?.();
    this.#place += 1;
  }

  #subscription(): Subscribe {
    const offset = this.#tail ?? this.#stream.end;
    this.#changesAhead = [];
    return {
      type: 'subscribe',
      taskId: this.taskId,
      offset,
      window: this.#window,
      ...(this.#asTerminal ? { terminal: true, resumes: this.#tail === null } : {}),
    };
  }

  /** Subscribe anew on the connection there is; a later one asks by itself. */
  #ask(): void {
    if (this.#followed) {
      this.#unanswered += 1;
      this.#environment.send(this.#subscription());
    }
  }

  #begin(offset: number): void {
    this.#place += 1;
    this.#problem = null;
    if (offset < 0) {
      this.#tail = offset;
    } else {
      this.#tail = null;
      this.#startAt(offset);
    }
  }

  #startAt(offset: number): void {
    this.#stream = new ReceiveStream(offset);
    this.#shown = offset;
    this.#acked = offset;
  }

  #screen(screen: Screen): void {
    if (this.#unanswered > 0 || !this.#asTerminal) {
      return;
    }
    this.#tail = null;
    this.#place += 1;
    this.#problem = null;
    this.#startAt(screen.offset);
    this.grown(screen.offset);
    this.#terminal?.onScreen(screen);
    this.#publishSoon();
  }

  /** It is passed on with the output that it belongs in front of. */
  #changed(state: TerminalState): void {
    if (this.#unanswered > 0 || !this.#asTerminal) {
      return;
    }
    this.#changesAhead = [...this.#changesAhead, state].slice(-MAX_CHANGES_AHEAD);
    this.#passChanges(this.#tail === null ? this.#stream.end : 0);
  }

  #passChanges(upTo: number): void {
    while (this.#changesAhead[0] !== undefined && this.#changesAhead[0].offset <= upTo) {
      this.#terminal?.onTerminal(this.#changesAhead.shift() as TerminalState);
    }
  }

  #output(message: Output): void {
    const to = message.offset + message.output.length;
    this.grown(message.end ?? 0);
    const received = this.#take(message.offset, to);
    if (received === null) {
      return;
    }
    const { isError, time } = message;
    const place = this.#place;
    const onShown = (shown: number) => {
      if (place === this.#place) this.#onShown(shown);
    };
    let bytes = message.output.subarray(received.skip);
    let offset = received.from;
    while (bytes.length > 0) {
      this.#passChanges(offset);
      const length = Math.min(bytes.length, (this.#changesAhead[0]?.offset ?? to) - offset);
      const part = bytes.subarray(0, length);
      this.#sink.output({ offset, bytes: part, isError, time }, onShown);
      bytes = bytes.subarray(length);
      offset += length;
    }
    this.#passChanges(offset);
  }

  #take(from: number, to: number): { from: number; skip: number } | null {
    if (this.#unanswered > 0) {
      return null;
    }
    if (this.#tail !== null) {
      this.#tail = null;
      this.#place += 1;
      this.#startAt(from);
      this.#sink.restart(from);
    }
    const received = this.#stream.receive(from, to);
    if (received.kind === 'missing') {
      this.#ask();
      return null;
    }
    if (received.kind === 'known') {
      return null;
    }
    this.#problem = null;
    this.#size = Math.max(this.#size, to);
    this.#publishSoon();
    return received;
  }

  #refused(error: ErrorMessage): void {
    if (error.code === 'ack_beyond_sent') {
      // The place was changed while this was on its way: count anew from where we are.
      this.#ask();
    } else if (error.code === 'offset_beyond_end' && this.#tail === null) {
      this.seek(-this.#window);
    } else {
      this.#problem = error.message;
      this.#publishSoon();
    }
  }

  #onShown(offset: number): void {
    this.#shown = Math.max(this.#shown, offset);
    if (this.#shown - this.#acked >= this.#window * ACK_PART) {
      this.#acknowledge();
    } else {
      this.#publishSoon();
    }
  }

  #acknowledge(): void {
    this.#acked = this.#shown;
    this.#environment.send({ type: 'ack', taskId: this.taskId, offset: this.#acked });
  }

  #publishSoon(): void {
    this.#cancelPublish ??= this.#environment.schedule(PUBLISH_SECONDS, () => {
      this.#cancelPublish = null;
      if (this.#shown > this.#acked) this.#acknowledge();
      this.progress.set(this.#current());
    });
  }

  #current(): Progress {
    const { end } = this.#stream;
    return { end, size: this.#size, liveFrom: this.#liveFrom, problem: this.#problem };
  }
}
