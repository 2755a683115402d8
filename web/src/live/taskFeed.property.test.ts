import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Gap, HubToViewer, Output, Subscribe, ViewerToHub } from '../protocol/messages';
import { type OutputSink, type Piece, TaskFeed } from './taskFeed';

const WINDOW = 40;
const GAP = { from: 70, to: 110 };
const SIZE = 200;

/** The log that every byte is checked against: a byte is its offset. */
function bytesAt(from: number, to: number): Uint8Array {
  return Uint8Array.from({ length: to - from }, (_, index) => (from + index) % 251);
}

const ACK_BEYOND_SENT: HubToViewer = {
  type: 'error',
  code: 'ack_beyond_sent',
  message: 'more is acknowledged than was sent',
  ref: 'tsk_1',
};

/** The hub's half of a subscription, as its cursor behaves; frames wait until they are read. */
class ModelHub {
  end = 20;
  wire: HubToViewer[] = [];
  sent = 0;
  acked = 0;
  problem: string | null = null;
  #subscribed = false;

  receive(message: ViewerToHub): void {
    if (message.type === 'subscribe') this.#subscribe(message);
    if (message.type === 'ack') {
      if (message.offset > this.sent) this.wire.push(ACK_BEYOND_SENT);
      else this.acked = Math.max(this.acked, message.offset);
    }
  }

  #subscribe({ offset = 0 }: Subscribe): void {
    if (offset > this.end) this.problem = `subscribed at ${offset} of ${this.end}`;
    this.#subscribed = true;
    this.sent = offset < 0 ? Math.max(0, this.end + offset) : offset;
    this.acked = this.sent;
    this.tellStatus();
  }

  /** In answer to a subscription, or because something about the task changed. */
  tellStatus(): void {
    const { end: finalOffset } = this;
    this.wire.push({ type: 'status', taskId: 'tsk_1', status: 'running', finalOffset });
  }

  /** The next frame of at most so many bytes, if there is room for one. */
  send(size: number): void {
    const room = WINDOW - (this.sent - this.acked - gapWithin(this.acked, this.sent));
    if (!this.#subscribed || this.sent >= this.end) {
      return;
    }
    if (this.sent >= GAP.from && this.sent < GAP.to) {
      if (this.end < GAP.to) return;
      this.wire.push({ type: 'gap', taskId: 'tsk_1', ...GAP, reason: 'lost' } satisfies Gap);
      this.sent = GAP.to;
      return;
    }
    const limit = this.sent < GAP.from ? Math.min(this.end, GAP.from) : this.end;
    const to = Math.min(limit, this.sent + Math.min(size, room));
    if (to > this.sent) {
      this.wire.push(frame(this.sent, to));
      this.sent = to;
    }
  }

  cut(): void {
    this.wire = [];
    this.#subscribed = false;
  }
}

function frame(from: number, to: number): Output {
  const output = bytesAt(from, to);
  return { type: 'output', taskId: 'tsk_1', offset: from, isError: false, time: 0, output };
}

function gapWithin(from: number, to: number): number {
  return Math.max(0, Math.min(to, GAP.to) - Math.max(from, GAP.from));
}

/** Notices whatever is not the log, in order, from where the last restart said. */
class CheckingSink implements OutputSink {
  end = 0;
  problem: string | null = null;
  waiting: (() => void)[] = [];

  output({ offset, bytes }: Piece, shown: (to: number) => void): void {
    this.#goesOn(offset);
    if (bytes.some((byte, index) => byte !== (offset + index) % 251)) {
      this.problem = `other bytes at ${offset}`;
    }
    this.end = offset + bytes.length;
    // In two parts, as a window draws it.
    const half = offset + Math.ceil(bytes.length / 2);
    this.waiting.push(() => shown(half));
    this.waiting.push(() => shown(offset + bytes.length));
  }

  gap({ from, to }: { from: number; to: number }): void {
    this.#goesOn(from);
    if (from < GAP.from || to !== GAP.to) this.problem = `a gap from ${from} to ${to}`;
    this.end = to;
  }

  restart(offset: number): void {
    this.end = offset;
  }

  #goesOn(offset: number): void {
    if (offset !== this.end) this.problem = `${offset} came after ${this.end}`;
  }
}

type Step =
  | { do: 'grow' | 'send' | 'show' | 'seek' | 'read'; by: number }
  | { do: 'tail' | 'cut' | 'tick' | 'repeat' | 'change' };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    do: fc.constantFrom('grow' as const, 'send' as const, 'show' as const, 'read' as const),
    by: fc.integer({ min: 1, max: 60 }),
  }),
  fc.record({ do: fc.constant('seek' as const), by: fc.nat(SIZE) }),
  fc.record({ do: fc.constantFrom('tail' as const, 'cut' as const, 'tick' as const) }),
  fc.record({ do: fc.constantFrom('repeat' as const, 'change' as const) }),
);

class World {
  readonly hub = new ModelHub();
  readonly sink = new CheckingSink();
  readonly feed: TaskFeed;
  #timers: (() => void)[] = [];
  #lastRead: HubToViewer | null = null;

  constructor(offset: number) {
    this.sink.end = Math.max(0, offset);
    this.feed = new TaskFeed('tsk_1', offset, WINDOW, this.sink, {
      send: (message) => this.hub.receive(message),
      schedule: (_seconds, callback) => {
        this.#timers.push(callback);
        return () => {};
      },
    });
    this.hub.receive(this.feed.subscribe());
  }

  perform(step: Step): void {
    switch (step.do) {
      case 'grow':
        // A gap becomes known as a whole.
        this.hub.end = Math.min(SIZE, this.hub.end + step.by);
        if (this.hub.end > GAP.from && this.hub.end < GAP.to) this.hub.end = GAP.to;
        break;
      case 'send':
        this.hub.send(step.by);
        break;
      case 'read':
        for (let count = 0; count < step.by; count += 1) this.read();
        break;
      case 'show':
        for (const shown of this.sink.waiting.splice(0, step.by)) shown();
        break;
      case 'seek':
        this.feed.seek(Math.min(step.by, this.hub.end));
        break;
      case 'tail':
        this.feed.seek(-30);
        break;
      case 'cut':
        this.hub.cut();
        this.hub.receive(this.feed.subscribe());
        break;
      case 'change':
        this.hub.tellStatus();
        break;
      case 'repeat':
        if (this.#lastRead !== null) this.tell(this.#lastRead);
        break;
      case 'tick':
        for (const timer of this.#timers.splice(0)) timer();
        break;
    }
  }

  read(): void {
    const message = this.hub.wire.shift();
    if (message !== undefined) this.tell(message);
  }

  tell(message: HubToViewer): void {
    if (message.type === 'status') {
      this.feed.changed(message);
    } else {
      this.#lastRead = message;
      this.feed.receive(message);
    }
  }

  /** Everybody does all they can. */
  settle(): void {
    for (let turn = 0; turn < 60; turn += 1) {
      for (const action of ['send', 'read', 'show'] as const) this.perform({ do: action, by: 60 });
      this.perform({ do: 'tick' });
    }
  }
}

test('whatever happens, the screen has the log from where it began, each byte once', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(0, -30, 15),
      fc.array(step, { maxLength: 120 }),
      (offset, steps) => {
        const world = new World(offset);
        for (const each of steps) {
          world.perform(each);
          expect(world.sink.problem).toBeNull();
          expect(world.hub.problem).toBeNull();
        }
        world.settle();
        expect(world.sink.problem).toBeNull();
        expect(world.hub.problem).toBeNull();
        expect(world.sink.end).toBe(world.hub.end);
      },
    ),
    { numRuns: 1_000 },
  );
});
