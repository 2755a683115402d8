import type { Principal } from '../protocol/messages';
import { Backoff } from './backoff';
import { ApiError, explain, get, post, remove } from './http';
import { ReturnAddress } from './returnAddress';
import { Store } from './store';

export const SESSION_ENDED = 'Your session has ended. Sign in, and you are back where you were.';

export type SessionState =
  | { kind: 'asking' }
  /**
   * `until` the next attempt, in milliseconds as `Date.now()`; `busy`: the hub is there, and wants
   * to be left alone until then.
   */
  | { kind: 'unreachable'; until: number; busy: boolean }
  | { kind: 'signedOut'; notice: string | null }
  | { kind: 'signedIn'; me: Principal };

export type Credentials = { link: string } | { username: string; password: string };

/** Who is signed in. The secret itself is a cookie that no script can read. */
export class Session {
  readonly state = new Store<SessionState>({ kind: 'asking' });
  /** Why a link was refused to a user who stays signed in; null: none was, or it was shown. */
  readonly linkProblem = new Store<string | null>(null);
  readonly #returnAddress: ReturnAddress;
  #stopWaiting: () => void = () => {};
  // One link after the other: what the last one did is what counts.
  #turn: Promise<void> = Promise.resolve();

  /** `tabStorage`: of this tab alone. */
  constructor(tabStorage: Storage) {
    this.#returnAddress = new ReturnAddress(tabStorage);
  }

  /** Sign in with the link in the address, or go on with the session there is. */
  start(): Promise<void> {
    return this.#begin(takeLink());
  }

  /** Sign in with the link that was put into the address of the page as it is, if one was. */
  async addressChanged(): Promise<void> {
    const link = takeLink();
    if (link !== null) await this.#begin(link);
  }

  async signIn(credentials: Credentials): Promise<void> {
    await post('/api/session', credentials);
    await this.#ask(null);
  }

  /** `everywhere`: in all browsers in which this user is signed in. */
  async signOut(everywhere = false): Promise<void> {
    await remove(everywhere ? '/api/session?everywhere=1' : '/api/session');
    this.end(null);
    // The next user of this tab does not go where this one was.
    this.#returnAddress.take();
  }

  /** Ask anew who this is: something about them was changed. */
  async refresh(): Promise<void> {
    const me = await get<Principal>('/api/me');
    this.state.set({ kind: 'signedIn', me });
  }

  /** Go on when this browser has another session by now; otherwise nothing changes. */
  async resume(): Promise<void> {
    const me = await get<Principal>('/api/me').catch(() => null);
    if (me !== null && this.state.get().kind === 'signedOut') this.#signedIn(me);
  }

  /** Do not wait any longer for a hub that could not be reached. */
  askNow(): void {
    this.#stopWaiting();
  }

  /** The session is over. */
  end(notice: string | null): void {
    this.#returnAddress.keep();
    this.state.set({ kind: 'signedOut', notice });
  }

  #begin(link: string | null): Promise<void> {
    this.#turn = this.#turn.then(async () => {
      const problem = link === null ? null : await this.#use(link);
      // A user who is signed in here already stays so, whatever became of the link.
      await this.#ask(problem, link !== null && problem === null);
    });
    return this.#turn;
  }

  /** `byLink`: the address is where the link leads, not where its user was. */
  #signedIn(me: Principal, byLink = false): void {
    const address = this.#returnAddress.take();
    if (byLink && address !== null && location.pathname === '/') {
      history.replaceState(null, '', address);
    }
    this.state.set({ kind: 'signedIn', me });
  }

  /** What the hub has against this link; null if it was taken. */
  async #use(link: string): Promise<string | null> {
    try {
      await this.#untilReached(() => post('/api/session', { link }));
      return null;
    } catch (error) {
      return explain(error);
    }
  }

  async #ask(notice: string | null, byLink = false): Promise<void> {
    try {
      const me = await this.#untilReached(() => get<Principal>('/api/me'));
      this.#signedIn(me, byLink);
      this.linkProblem.set(notice);
    } catch (error) {
      const unknown = error instanceof ApiError && error.status === 401;
      this.end(notice ?? (unknown ? null : explain(error)));
    }
  }

  /** Raises what the hub refuses; waits while there is none to refuse. */
  async #untilReached<T>(work: () => Promise<T>): Promise<T> {
    const backoff = new Backoff(Math.random);
    for (;;) {
      try {
        return await work();
      } catch (error) {
        const hint = error instanceof ApiError ? error.retryAfter : null;
        if (hint === null && error instanceof ApiError && isRefusal(error.status)) {
          throw error;
        }
        const delayMs = backoff.nextDelay(hint) * 1000;
        this.state.set({ kind: 'unreachable', until: Date.now() + delayMs, busy: hint !== null });
        await this.#wait(delayMs, hint === null);
      }
    }
  }

  #wait(delayMs: number, mayBeCut: boolean): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, delayMs);
      this.#stopWaiting = () => {
        if (!mayBeCut) return;
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

function isRefusal(status: number): boolean {
  return status >= 400 && status < 500;
}

/** The code in `/#link=CODE`, which is taken out of the address and its history at once. */
function takeLink(): string | null {
  const link = new URLSearchParams(location.hash.slice(1)).get('link');
  if (link !== null) {
    history.replaceState(null, '', location.pathname + location.search);
  }
  return link;
}
