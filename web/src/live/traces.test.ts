import { decode, encode } from '@msgpack/msgpack';
import { describe, expect, test } from 'vitest';
import type { Heartbeat, WireLimits } from '../protocol/messages';
import type { LinkEnvironment, SocketEvents } from './environment';
import { announced, HeartbeatMachine } from './heartbeat';
import { InputSender } from './inputSender';
import { Link } from './link';
import { ReceiveStream } from './receiveStream';
import { retryAfterOfClose } from './retryAfter';

/** Replays `schema/traces/*.json`, whose format is described in the README beside them. */
interface Message {
  readonly type: string;
  readonly [field: string]: unknown;
}

interface Step {
  readonly at: number;
  readonly machine: string;
  readonly do: string;
  readonly message?: Message;
  readonly frame?: string;
  readonly with?: readonly (number | string | boolean | null)[];
  readonly returns?: number | string | readonly (number | string)[] | null;
  readonly fails?: string;
  readonly sends?: readonly (Message & { close?: number })[];
  readonly tells?: readonly { opened?: Message; message?: Message }[];
  readonly state?: string;
  readonly then?: { readonly end?: number; readonly uncertain?: boolean };
}

interface Machine {
  readonly kind: string;
  readonly auth?: Message;
  readonly end?: number;
}

interface Trace {
  readonly machines: Record<string, Machine>;
  readonly steps: readonly Step[];
}

const FILES = import.meta.glob<Trace>('../../../schema/traces/*.json', {
  eager: true,
  import: 'default',
});
const TRACES = Object.entries(FILES).map(([path, trace]) => ({
  name: path.replace(/^.*\/|\.json$/g, ''),
  trace,
}));

function machinesOf(of: (machine: Machine) => boolean) {
  return TRACES.flatMap(({ name, trace }) =>
    Object.entries(trace.machines)
      .filter(([, machine]) => of(machine))
      .map(([machine, spec]) => ({
        name: `${name}: ${machine}`,
        spec,
        steps: trace.steps.filter((step) => step.machine === machine),
      })),
  );
}

// A daemon's first message has its id: that half is spoken in Python alone.
const viewers = machinesOf(
  ({ kind, auth }) => kind === 'peerLink' && !('daemonId' in (auth ?? {})),
);
const streams = machinesOf(({ kind }) => kind === 'receiveStream');

test('there are conversations to replay', () => {
  expect(viewers.length).toBeGreaterThanOrEqual(5);
  expect(streams.length).toBeGreaterThanOrEqual(5);
});

// ── the receive half ───────────────────────────────────────────────────────────────────────────

/** As the trace says it: how much to skip, or null. Credit is not the viewer's to watch. */
function receive(stream: ReceiveStream, step: Step): number | readonly number[] | null | string {
  const [from = 0, second = 0] = (step.with ?? []) as readonly number[];
  const isGap = step.do === 'receiveGap';
  const to = isGap ? second : from + second;
  const received = stream.receive(from, to);
  if (received.kind === 'missing') return 'offset_out_of_order';
  if (received.kind === 'known') return null;
  return isGap ? [received.from, to] : received.skip;
}

describe('streams', () => {
  test.each(streams)('$name', ({ spec, steps }) => {
    const stream = new ReceiveStream(spec.end ?? 0);
    const ours = steps.filter(
      ({ do: verb, fails }) =>
        verb.startsWith('receive') && fails !== 'credit_exceeded' && fails !== 'empty_gap',
    );
    for (const step of ours) {
      expect(receive(stream, step)).toEqual(step.fails ?? step.returns ?? null);
      if (step.then?.end !== undefined) expect(stream.end).toBe(step.then.end);
    }
  });
});

// ── typing ─────────────────────────────────────────────────────────────────────────────────────

function perform(sender: InputSender, { do: verb, with: given = [] }: Step): string[] | null {
  const [value] = given;
  if (verb === 'send') return sender.toSend().map(({ input }) => new TextDecoder().decode(input));
  if (verb === 'type') {
    sender.uncertain = null;
    sender.type(new TextEncoder().encode(String(value)));
  } else if (verb === 'connected') sender.connected(value === true);
  else if (verb === 'disconnected') sender.disconnected();
  else if (verb === 'ends') sender.ends(Number(value));
  else sender.acknowledged(Number(value));
  return null;
}

describe('typing', () => {
  test.each(machinesOf(({ kind }) => kind === 'typedInput'))('$name', ({ steps }) => {
    const sender = new InputSender('tsk_1');
    for (const step of steps) {
      expect(perform(sender, step), `at ${step.at}`).toEqual(step.returns ?? null);
      if (step.then?.uncertain !== undefined) {
        expect(sender.uncertain !== null, `at ${step.at}`).toBe(step.then.uncertain);
      }
    }
  });
});

// ── refusals ───────────────────────────────────────────────────────────────────────────────────

describe('refusals', () => {
  const edges = machinesOf(({ kind }) => kind === 'closeReason');
  const read = edges.flatMap(({ steps }) => steps.filter(({ do: verb }) => verb === 'read'));
  test.each(read)('$with', ({ with: arguments_ = [], returns }) => {
    const [code, reason] = arguments_;
    expect(retryAfterOfClose(Number(code), String(reason))).toBe(returns);
  });
});

// ── liveness ───────────────────────────────────────────────────────────────────────────────────

/** The page looks for the hub a little sooner than the trace does, but by the same rules. */
class HeartbeatReplay {
  #machine: HeartbeatMachine | null = null;
  #isDead = false;

  sends(step: Step): readonly object[] {
    const welcome = step.tells?.[0]?.opened;
    if (welcome !== undefined) {
      const liveness = announced(welcome.limits as Partial<WireLimits>);
      this.#machine = new HeartbeatMachine(step.at, liveness, liveness.interval);
      return [];
    }
    if (this.#machine === null || this.#isDead) {
      return [];
    }
    if (step.message?.type === 'heartbeat' && step.do === 'receive') {
      const answer = this.#machine.receive(step.message as unknown as Heartbeat, step.at);
      return answer === null ? [] : [answer];
    }
    if (step.do === 'receive') this.#machine.heard(step.at);
    return step.do === 'deadline' ? this.#due(this.#machine.onDeadline(step.at)) : [];
  }

  #due(due: Heartbeat | 'dead' | null): readonly object[] {
    this.#isDead = due === 'dead';
    if (due === null) return [];
    return due === 'dead' ? [{ close: 4408 }] : [due];
  }
}

const isLiveness = (sent: Message & { close?: number }) =>
  sent.type === 'heartbeat' || sent.close === 4408;

describe('heartbeats', () => {
  test.each(viewers)('$name', ({ steps }) => {
    const replay = new HeartbeatReplay();
    for (const step of steps) {
      expect(replay.sends(step), `at ${step.at}`).toEqual((step.sends ?? []).filter(isLiveness));
    }
  });
});

// ── the link ───────────────────────────────────────────────────────────────────────────────────

/** A viewer's link whose socket, clock and ticket are the trace's. */
class LinkReplay implements LinkEnvironment {
  now = () => 0;
  random = () => 0.5;
  schedule = () => () => {};
  fetchTicket = async () => this.#ticket;

  readonly link = new Link(this);
  readonly #ticket: string;
  #sent: Message[] = [];
  #told: object[] = [];
  #events: SocketEvents | null = null;
  #isOpen = false;

  constructor(auth: Message) {
    this.#ticket = String(auth.authToken);
    const tell = (message: object) => this.#told.push({ message });
    this.link.listen(tell);
    this.link.follow({
      taskId: 'tsk_1',
      subscribe: () => ({ type: 'subscribe', taskId: 'unheard of' }),
      receive: tell,
    });
  }

  openSocket(events: SocketEvents) {
    this.#events = events;
    this.#isOpen = true;
    return {
      send: (frame: Uint8Array<ArrayBuffer>) => this.#sent.push(decode(frame) as Message),
      close: () => {
        this.#isOpen = false;
      },
    };
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  async perform(step: Step): Promise<void> {
    this.#sent = [];
    this.#told = [];
    switch (step.do) {
      case 'start':
        this.link.start();
        await Promise.resolve();
        await Promise.resolve();
        this.#events?.opened();
        break;
      case 'receive':
        this.#receive(step.message ?? (JSON.parse(step.frame ?? '') as Message));
        break;
      case 'send':
        this.link.send(asBytes(step.message as Message) as never);
        break;
      case 'close':
        this.link.stop();
        break;
      case 'disconnect':
        this.#events?.closed(1006, '');
        break;
    }
  }

  /** What it said, besides what every page says of itself at once: what it wants to follow. */
  sent(step: Step): readonly Message[] {
    const isFirst = step.tells?.[0]?.opened !== undefined;
    return isFirst ? this.#sent.filter(({ type }) => type !== 'subscribe') : this.#sent;
  }

  told(): readonly object[] {
    return this.#told;
  }

  #receive(message: Message): void {
    this.#events?.message(Uint8Array.from(encode(asBytes(message))).buffer);
  }
}

/** Bytes are base64 in a trace. */
function asBytes(message: Message): Message {
  if (typeof message.output !== 'string') {
    return message;
  }
  const output = Uint8Array.from(atob(message.output), (unit) => unit.charCodeAt(0));
  return { ...message, output };
}

/** For the application: heartbeats are the link's own. */
function messagesIn(tells: Step['tells']): readonly object[] {
  return (tells ?? []).flatMap(({ message }) =>
    message === undefined ? [] : [{ message: asBytes(message) }],
  );
}

const LINK_STATES: Record<string, string> = { authenticating: 'connecting', open: 'live' };

describe('links', () => {
  test.each(viewers)('$name', async ({ spec, steps }) => {
    const replay = new LinkReplay(spec.auth as Message);
    for (const step of steps.filter(({ do: verb }) => verb !== 'deadline')) {
      await replay.perform(step);
      const sends = (step.sends ?? []).filter(({ close }) => close === undefined);
      const ours = replay.sent(step).filter(({ type }) => type !== 'heartbeat');
      expect(ours, `at ${step.at}`).toEqual(sends.filter(({ type }) => type !== 'heartbeat'));
      expect(replay.told(), `at ${step.at}`).toEqual(messagesIn(step.tells));
      if (step.do === 'close') expect(replay.isOpen).toBe(false);
      const state = LINK_STATES[step.state ?? ''];
      if (state !== undefined) expect(replay.link.state.get().kind).toBe(state);
    }
  });
});
