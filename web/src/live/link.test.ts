import { decode, encode } from '@msgpack/msgpack';
import { beforeEach, expect, test } from 'vitest';
import type { HubToViewer, ViewerToHub } from '../protocol/messages';
import type { LinkEnvironment, SocketEvents } from './environment';
import { ApiError } from './http';
import { type Follower, Link } from './link';

class World implements LinkEnvironment {
  time = 0;
  tickets: (string | Error)[] = [];
  sockets: { events: SocketEvents; sent: ViewerToHub[]; open: boolean }[] = [];
  #timers: { at: number; callback: () => void }[] = [];

  openSocket(events: SocketEvents) {
    const socket = { events, sent: [] as ViewerToHub[], open: true };
    this.sockets.push(socket);
    return {
      send: (frame: Uint8Array) => socket.sent.push(decode(frame) as ViewerToHub),
      close: () => {
        socket.open = false;
      },
    };
  }

  async fetchTicket() {
    const ticket = this.tickets.shift() ?? 'ticket';
    if (typeof ticket === 'string') return ticket;
    throw ticket;
  }

  now = () => this.time;
  random = () => 0.5;

  schedule(seconds: number, callback: () => void) {
    const timer = { at: this.time + seconds, callback };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((item) => item !== timer);
    };
  }

  get socket() {
    const socket = this.sockets.at(-1);
    if (socket === undefined) throw new Error('no socket was opened');
    return socket;
  }

  say(message: HubToViewer) {
    this.socket.events.message(Uint8Array.from(encode(message)).buffer);
  }

  async pass(seconds: number) {
    const end = this.time + seconds;
    for (;;) {
      await settle();
      const next = this.#timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      this.#timers = this.#timers.filter((item) => item !== next);
      this.time = next.at;
      next.callback();
    }
    this.time = end;
  }

  async welcome() {
    await settle();
    this.socket.events.opened();
    this.say({ type: 'welcome', userId: 'usr_1', scopes: [], limits: {} as never });
  }
}

/** Let promises that are already resolved go on. */
async function settle() {
  for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
}

let world: World;
let link: Link;

beforeEach(() => {
  world = new World();
  link = new Link(world);
});

function follower(offset: () => number): Follower & { received: HubToViewer[] } {
  const received: HubToViewer[] = [];
  return {
    taskId: 'tsk_1',
    received,
    subscribe: () => ({ type: 'subscribe', taskId: 'tsk_1', offset: offset() }),
    receive: (message) => received.push(message),
  };
}

test('sends the ticket first, and is live once welcomed', async () => {
  link.start();
  await settle();
  expect(world.socket.sent).toEqual([]);
  world.socket.events.opened();
  expect(world.socket.sent).toEqual([{ type: 'auth', authToken: 'ticket' }]);
  expect(link.state.get().kind).toBe('connecting');
  await world.welcome();
  expect(link.state.get().kind).toBe('live');
  expect(world.socket.sent).toContainEqual({ type: 'subscribe', workspaceId: '*' });
});

test('a new connection goes on at the very byte', async () => {
  let end = 0;
  link.follow(follower(() => end));
  link.start();
  await world.welcome();
  end = 1234;
  world.socket.events.closed(1006, '');
  await world.pass(0);
  await world.welcome();
  expect(world.sockets).toHaveLength(2);
  expect(world.socket.sent).toContainEqual({ type: 'subscribe', taskId: 'tsk_1', offset: 1234 });
});

test('hands a task to its follower and facts to whoever listens', async () => {
  const task = follower(() => 0);
  const facts: string[] = [];
  const stop = link.follow(task);
  link.listen((fact) => facts.push(fact.type));
  link.start();
  await world.welcome();
  const bytes = new Uint8Array([1]);
  const output = { offset: 0, isError: false, time: 0, output: bytes };
  world.say({ type: 'output', taskId: 'tsk_1', ...output });
  world.say({ type: 'output', taskId: 'tsk_2', ...output });
  world.say({ type: 'status', taskId: 'tsk_2', status: 'running' });
  world.say({ type: 'somethingNew' } as unknown as HubToViewer);
  expect(task.received).toHaveLength(1);
  expect(facts).toEqual(['status']);
  stop();
  expect(world.socket.sent.at(-1)).toEqual({ type: 'unsubscribe', taskId: 'tsk_1' });
});

test('tells of a workspace that was deleted, and of nothing else by that', async () => {
  link.start();
  await world.welcome();
  const removed: string[] = [];
  const stop = link.listenForRemovals((workspaceId) => removed.push(workspaceId));
  world.say({ type: 'error', code: 'not_found', message: '', ref: 'ws_1' });
  world.say({ type: 'error', code: 'workspace_removed', message: '', ref: 'ws_2' });
  expect(removed).toEqual(['ws_2']);
  stop();
  world.say({ type: 'error', code: 'workspace_removed', message: '', ref: 'ws_3' });
  expect(removed).toEqual(['ws_2']);
});

test('gives up a hub that has fallen silent, and only that', async () => {
  link.start();
  await world.welcome();
  await world.pass(14);
  world.say({ type: 'heartbeat', sentAt: 1 });
  expect(world.socket.sent.at(-1)).toMatchObject({ type: 'heartbeat', echo: 1 });
  await world.pass(14);
  expect(world.sockets).toHaveLength(1);
  await world.pass(2);
  expect(world.sockets).toHaveLength(2);
  expect(world.sockets[0]?.open).toBe(false);
});

test.each([4500, 4503, 4999])('does not come back after %i', async (code) => {
  link.start();
  await world.welcome();
  world.socket.events.closed(code, 'Not allowed.');
  await world.pass(3600);
  expect(link.state.get()).toEqual({ kind: 'refused', reason: 'Not allowed.' });
  expect(world.sockets).toHaveLength(1);
});

test('4501 and a refused ticket ask to sign in again', async () => {
  link.start();
  await world.welcome();
  world.socket.events.closed(4501, '');
  expect(link.state.get().kind).toBe('signedOut');
  world.tickets = [new ApiError('Sign in.', 401, 'not_authenticated')];
  link.start();
  await settle();
  expect(link.state.get().kind).toBe('signedOut');
});

test('a restart says so, and is waited for as long as the hub asks', async () => {
  link.start();
  await world.welcome();
  world.socket.events.closed(1012, 'the hub is restarting; retry in 2 seconds');
  expect(link.state.get()).toEqual({ kind: 'waiting', until: 3, because: 'restarting' });
  await world.pass(1.9);
  link.reconnectNow();
  await world.pass(0);
  expect(world.sockets).toHaveLength(1);
  await world.pass(0.2);
  link.reconnectNow();
  await world.pass(0);
  expect(world.sockets).toHaveLength(2);
});

test.each([1013, 4429])(
  'a hub that is busy (%i) is left alone for as long as it asks',
  async (code) => {
    link.start();
    await world.welcome();
    world.socket.events.closed(code, 'too much at once; retry in 4 seconds');
    expect(link.state.get()).toEqual({ kind: 'waiting', until: 6, because: 'busy' });
    await world.pass(5.9);
    expect(world.sockets).toHaveLength(1);
    await world.pass(0.2);
    expect(world.sockets).toHaveLength(2);
  },
);

test('a ticket that is refused for a while is waited for', async () => {
  world.tickets = [new ApiError('', 429, 'too_many_requests', 2)];
  link.start();
  await settle();
  expect(link.state.get()).toEqual({ kind: 'waiting', until: 3, because: 'busy' });
  await world.pass(2.9);
  expect(world.sockets).toHaveLength(0);
  await world.pass(0.2);
  expect(world.sockets).toHaveLength(1);
});

test('a hub that cannot be reached is tried again, at once when asked', async () => {
  world.tickets = Array.from({ length: 99 }, () => new ApiError('', 0, 'unreachable'));
  link.start();
  await world.pass(60);
  expect(world.tickets.length).toBeLessThan(95);
  expect(link.state.get().kind).toBe('waiting');
  world.tickets = [];
  link.reconnectNow();
  await world.welcome();
  expect(link.state.get().kind).toBe('live');
});

test('a connection without a welcome is given up', async () => {
  link.start();
  await settle();
  world.socket.events.opened();
  await world.pass(11);
  expect(world.sockets.length).toBeGreaterThan(1);
});

test('what an abandoned connection still says is not heard', async () => {
  link.start();
  await world.welcome();
  const { events } = world.socket;
  link.stop();
  events.closed(1006, '');
  expect(link.state.get().kind).toBe('stopped');
});

test('without a network it is away at once, tries on, and is back at once', async () => {
  link.start();
  await world.welcome();
  world.tickets = Array.from({ length: 99 }, () => new ApiError('', 0, 'unreachable'));
  link.offline();
  expect(link.state.get().kind).toBe('waiting');
  expect(world.sockets[0]?.open).toBe(false);
  await world.pass(60);
  expect(world.tickets.length).toBeLessThan(98);
  world.tickets = [];
  link.reconnectNow();
  await world.welcome();
  expect(link.state.get().kind).toBe('live');
});

test('a hub that needs no network is back by itself', async () => {
  link.start();
  await world.welcome();
  link.offline();
  await world.pass(1);
  await world.welcome();
  expect(link.state.get().kind).toBe('live');
});

test('an attempt that hangs is begun anew when there is a network again', async () => {
  link.start();
  await settle();
  expect(world.sockets).toHaveLength(1);
  link.reconnectNow();
  await settle();
  expect(world.sockets).toHaveLength(2);
});

test('a request that finds no hub has the connection looked at, and one that answers stays', async () => {
  link.start();
  await world.welcome();
  link.doubt();
  expect(world.socket.sent.at(-1)).toMatchObject({ type: 'heartbeat' });
  world.say({ type: 'workspace', workspaceId: 'ws_1' } as never);
  await world.pass(4);
  expect(link.state.get().kind).toBe('live');
  link.doubt();
  await world.pass(1.1);
  expect(link.state.get().kind).not.toBe('live');
});
