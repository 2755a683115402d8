import {
  type HubToViewer,
  type Subscribe,
  type TaskStatusChanged,
  type Unsubscribe,
  type ViewerToHub,
  WELCOME_SECONDS,
  type WireLimits,
  type WorkspaceChanged,
} from '../protocol/messages';
import { Backoff } from './backoff';
import { decodeMessage, encodeMessage } from './codec';
import type { LinkEnvironment, Socket } from './environment';
import { HeartbeatMachine, announced as livenessOf } from './heartbeat';
import { ApiError, explain } from './http';
import { learnHubTime } from './hubClock';
import { retryAfterOfClose } from './retryAfter';
import { Store } from './store';
import type { Announced } from './taskInput';

const SERVICE_RESTART = 1012;
const TOKEN_INVALID = 4501;
const FIRST_FINAL_CODE = 4500;
const LAST_FINAL_CODE = 4999;

export type LinkState =
  | { kind: 'stopped' }
  | { kind: 'connecting' }
  | { kind: 'live' }
  /**
   * `until` is on the environment's clock; `because` is why the hub asked to be left alone, if it
   * did.
   */
  | { kind: 'waiting'; until: number; because: 'restarting' | 'busy' | null }
  | { kind: 'signedOut' }
  | { kind: 'refused'; reason: string };

/** What is followed over the link: asked for again on every new connection. */
export interface Follower {
  readonly taskId: string;
  subscribe(): Subscribe;
  receive(message: HubToViewer): void;
}

export type Fact = TaskStatusChanged | WorkspaceChanged;

/** The logical connection to the hub, which survives sockets. Reconnects for ever. */
export class Link {
  readonly state = new Store<LinkState>({ kind: 'stopped' });
  /** Of the last heartbeat, in seconds. */
  readonly roundTrip = new Store<number | null>(null);
  readonly #environment: LinkEnvironment;
  readonly #backoff: Backoff;
  readonly #followers = new Map<string, Follower>();
  readonly #factListeners = new Set<(fact: Fact) => void>();
  readonly #removalListeners = new Set<(workspaceId: string) => void>();
  /** What the hub of the newest connection says of itself. */
  announced: Announced = { capabilities: [], limits: null };
  #socket: Socket | null = null;
  #heartbeat: HeartbeatMachine | null = null;
  #cancelTimer: (() => void) | null = null;
  // When the hub lets us come back, on the environment's clock.
  #notBefore = 0;
  // Counts attempts, so that what an abandoned one still has to say is not listened to.
  #attempt = 0;

  constructor(environment: LinkEnvironment) {
    this.#environment = environment;
    this.#backoff = new Backoff(environment.random);
  }

  get now(): number {
    return this.#environment.now();
  }

  start(): void {
    if (['stopped', 'signedOut', 'refused'].includes(this.state.get().kind)) {
      this.#backoff.succeeded();
      void this.#connect();
    }
  }

  stop(): void {
    this.#drop();
    this.state.set({ kind: 'stopped' });
  }

  /** Do not wait any longer than the hub asked for, nor for an attempt that was begun before. */
  reconnectNow(): void {
    const { kind } = this.state.get();
    if (kind === 'connecting' || (kind === 'waiting' && this.now >= this.#notBefore)) {
      void this.#connect();
    }
  }

  /** The browser has lost its network. Attempts go on: a hub on this machine needs none. */
  offline(): void {
    if (['connecting', 'live'].includes(this.state.get().kind)) this.#retry();
  }

  /** A request has found no hub: find out now whether this connection is any better. */
  doubt(): void {
    const probe = this.#heartbeat?.doubt(this.now) ?? null;
    if (probe === null) return;
    this.#write(probe);
    this.#armHeartbeat();
  }

  /** Follow a task, in place of who followed it before; the function returned stops. */
  follow(follower: Follower): () => void {
    this.#followers.set(follower.taskId, follower);
    this.send(follower.subscribe());
    return () => {
      if (this.#followers.get(follower.taskId) === follower) {
        this.#followers.delete(follower.taskId);
        this.send({ type: 'unsubscribe', taskId: follower.taskId } satisfies Unsubscribe);
      }
    };
  }

  /** Hear of every task and workspace one may see. */
  listen(listener: (fact: Fact) => void): () => void {
    this.#factListeners.add(listener);
    return () => this.#factListeners.delete(listener);
  }

  /** Hear of every workspace that is deleted. */
  listenForRemovals(listener: (workspaceId: string) => void): () => void {
    this.#removalListeners.add(listener);
    return () => this.#removalListeners.delete(listener);
  }

  /** Send, if the link is live: what must not be lost is said again by `Follower.subscribe`. */
  send(message: ViewerToHub): void {
    if (this.state.get().kind === 'live') {
      this.#write(message);
    }
  }

  async #connect(): Promise<void> {
    this.#drop();
    const attempt = this.#attempt;
    this.state.set({ kind: 'connecting' });
    let ticket: string;
    try {
      ticket = await this.#environment.fetchTicket();
    } catch (error) {
      if (attempt === this.#attempt) this.#refused(error);
      return;
    }
    if (attempt !== this.#attempt) {
      return;
    }
    this.#arm(WELCOME_SECONDS, () => this.#retry());
    this.#socket = this.#environment.openSocket({
      opened: () => {
        if (attempt === this.#attempt) this.#write({ type: 'auth', authToken: ticket });
      },
      message: (frame) => {
        if (attempt === this.#attempt) this.#receive(frame);
      },
      closed: (code, reason) => {
        if (attempt === this.#attempt) this.#closed(code, reason);
      },
    });
  }

  #refused(error: unknown): void {
    const { status, retryAfter } =
      error instanceof ApiError ? error : { status: 0, retryAfter: null };
    if (status === 401) {
      this.#end({ kind: 'signedOut' });
    } else if (status === 403) {
      this.#end({ kind: 'refused', reason: explain(error) });
    } else {
      this.#retry(retryAfter);
    }
  }

  #closed(code: number, reason: string): void {
    if (code === TOKEN_INVALID) {
      this.#end({ kind: 'signedOut' });
    } else if (code >= FIRST_FINAL_CODE && code <= LAST_FINAL_CODE) {
      this.#end({ kind: 'refused', reason });
    } else {
      this.#retry(retryAfterOfClose(code, reason), code === SERVICE_RESTART);
    }
  }

  #retry(hint: number | null = null, restarting = false): void {
    this.#drop();
    const delay = this.#backoff.nextDelay(hint);
    this.#notBefore = this.now + (hint ?? 0);
    const because = restarting ? 'restarting' : hint === null ? null : 'busy';
    this.state.set({ kind: 'waiting', until: this.now + delay, because });
    this.#arm(delay, () => void this.#connect());
  }

  #end(state: LinkState): void {
    this.#drop();
    this.state.set(state);
  }

  #drop(): void {
    this.#attempt += 1;
    this.#cancelTimer?.();
    this.#cancelTimer = null;
    this.#socket?.close();
    this.#socket = null;
    this.#heartbeat = null;
    this.roundTrip.set(null);
  }

  #receive(frame: ArrayBuffer): void {
    const message = decodeMessage(frame);
    this.#heartbeat?.heard(this.now);
    if (message === null) {
      return;
    }
    if (message.type === 'welcome') {
      if (message.time != null) learnHubTime(message.time);
      this.announced = { capabilities: message.capabilities ?? [], limits: message.limits };
      this.#welcomed(message.limits);
    } else if (message.type === 'heartbeat') {
      const answer = this.#heartbeat?.receive(message, this.now) ?? null;
      this.roundTrip.set(this.#heartbeat?.roundTrip ?? null);
      if (answer !== null) this.#write(answer);
    } else {
      this.#dispatch(message);
    }
  }

  #welcomed(limits: WireLimits): void {
    this.#backoff.succeeded();
    this.#heartbeat = new HeartbeatMachine(this.now, livenessOf(limits));
    this.#armHeartbeat();
    this.state.set({ kind: 'live' });
    this.#write({ type: 'subscribe', workspaceId: '*' });
    for (const follower of this.#followers.values()) {
      this.#write(follower.subscribe());
    }
  }

  #dispatch(message: Exclude<HubToViewer, { type: 'welcome' | 'heartbeat' }>): void {
    if (message.type === 'status' || message.type === 'workspace') {
      for (const listener of this.#factListeners) {
        listener(message);
      }
    } else if (message.type === 'error' && message.code === 'workspace_removed') {
      for (const listener of this.#removalListeners) {
        listener(message.ref ?? '');
      }
    } else {
      const taskId = message.type === 'error' ? (message.ref ?? '') : message.taskId;
      this.#followers.get(taskId)?.receive(message);
    }
  }

  #armHeartbeat(): void {
    const heartbeat = this.#heartbeat;
    if (heartbeat === null) {
      return;
    }
    this.#arm(Math.max(0, heartbeat.nextDeadline() - this.now), () => {
      const due = heartbeat.onDeadline(this.now);
      if (due === 'dead') {
        this.#retry();
        return;
      }
      if (due !== null) this.#write(due);
      this.#armHeartbeat();
    });
  }

  #arm(seconds: number, callback: () => void): void {
    this.#cancelTimer?.();
    this.#cancelTimer = this.#environment.schedule(seconds, callback);
  }

  #write(message: ViewerToHub): void {
    this.#socket?.send(encodeMessage(message));
  }
}
