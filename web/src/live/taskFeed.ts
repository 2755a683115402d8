import type { HubToViewer, Output, Subscribe, ViewerToHub } from '../protocol/messages';
import type { Follower } from './link';
import { ReceiveStream } from './receiveStream';
import { Store } from './store';

const KIB = 1024;
/** Unacknowledged bytes we take: enough for a far hub, little enough for any phone. */
export const WINDOW_BYTES = 1024 * KIB;
/** What is shown of the end of a longer output: about what the terminal can scroll back. */
export const TAIL_BYTES = 1024 * KIB;
const ACK_BYTES = 64 * KIB;
const PUBLISH_SECONDS = 0.1;

/** Where output is shown. `rendered` is called once these bytes are. */
export interface Screen {
  output(bytes: Uint8Array, isError: boolean, rendered: () => void): void;
  gap(from: number, to: number, reason: string): void;
}

export interface Progress {
  /** Offset of the first byte shown. */
  readonly start: number;
  /** Where the output goes on. */
  readonly end: number;
  readonly problem: string | null;
}

export interface FeedEnvironment {
  send(message: ViewerToHub): void;
  schedule(seconds: number, callback: () => void): () => void;
}

/** A task's output on its way from the hub to a screen, across any number of connections. */
export class TaskFeed implements Follower {
  readonly taskId: string;
  readonly progress: Store<Progress>;
  readonly #screen: Screen;
  readonly #environment: FeedEnvironment;
  readonly #start: number;
  readonly #stream: ReceiveStream;
  #rendered: number;
  #acked: number;
  #problem: string | null = null;
  #askedAgain = false;
  #cancelPublish: (() => void) | null = null;

  /** `size`: how long the output is known to be; it is shown from a little before that. */
  constructor(taskId: string, size: number, screen: Screen, environment: FeedEnvironment) {
    this.taskId = taskId;
    this.#screen = screen;
    this.#environment = environment;
    this.#start = Math.max(0, size - TAIL_BYTES);
    this.#stream = new ReceiveStream(this.#start);
    this.#rendered = this.#start;
    this.#acked = this.#start;
    this.progress = new Store<Progress>({ start: this.#start, end: this.#start, problem: null });
  }

  subscribe(): Subscribe {
    const { end } = this.#stream;
    return { type: 'subscribe', taskId: this.taskId, offset: end, window: WINDOW_BYTES };
  }

  receive(message: HubToViewer): void {
    if (message.type === 'output') {
      this.#output(message);
    } else if (message.type === 'gap') {
      const received = this.#take(message.from, message.to);
      if (received !== null) this.#screen.gap(received.from, message.to, message.reason);
    } else if (message.type === 'error') {
      this.#problem = message.message;
      this.#publishSoon();
    }
  }

  close(): void {
    this.#cancelPublish?.();
  }

  #output(message: Output): void {
    const to = message.offset + message.output.length;
    const received = this.#take(message.offset, to);
    if (received !== null) {
      const bytes = message.output.subarray(received.skip);
      this.#screen.output(bytes, message.isError, () => this.#onRendered(to));
    }
  }

  #take(from: number, to: number): { from: number; skip: number } | null {
    const received = this.#stream.receive(from, to);
    if (received.kind === 'missing') {
      this.#askAgain();
      return null;
    }
    this.#askedAgain = false;
    if (received.kind === 'known') {
      return null;
    }
    this.#problem = null;
    this.#publishSoon();
    return received;
  }

  #askAgain(): void {
    // Frames of a subscription that was given up may still be arriving: one question is enough.
    if (!this.#askedAgain) {
      this.#askedAgain = true;
      this.#environment.send(this.subscribe());
    }
  }

  #onRendered(offset: number): void {
    this.#rendered = Math.max(this.#rendered, offset);
    if (this.#rendered - this.#acked >= ACK_BYTES) {
      this.#acknowledge();
    } else {
      this.#publishSoon();
    }
  }

  #acknowledge(): void {
    this.#acked = this.#rendered;
    this.#environment.send({ type: 'ack', taskId: this.taskId, offset: this.#acked });
  }

  #publishSoon(): void {
    this.#cancelPublish ??= this.#environment.schedule(PUBLISH_SECONDS, () => {
      this.#cancelPublish = null;
      if (this.#rendered > this.#acked) this.#acknowledge();
      this.progress.set({ start: this.#start, end: this.#stream.end, problem: this.#problem });
    });
  }
}
