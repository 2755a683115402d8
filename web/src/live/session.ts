import type { Principal } from '../protocol/messages';
import { Backoff } from './backoff';
import { ApiError, explain, get, post, remove } from './http';
import { Store } from './store';

export type SessionState =
  | { kind: 'asking' }
  | { kind: 'unreachable' }
  | { kind: 'signedOut'; notice: string | null }
  | { kind: 'signedIn'; me: Principal };

export type Credentials = { link: string } | { username: string; password: string };

/** Who is signed in. The secret itself is a cookie that no script can read. */
export class Session {
  readonly state = new Store<SessionState>({ kind: 'asking' });

  /** Sign in with the link in the address, or go on with the session there is. */
  async start(): Promise<void> {
    const link = takeLink();
    if (link === null) {
      await this.#ask();
    } else {
      await this.signIn({ link }).catch((error) => this.end(explain(error)));
    }
  }

  async signIn(credentials: Credentials): Promise<void> {
    await post('/api/session', credentials);
    await this.#ask();
  }

  async signOut(): Promise<void> {
    await remove('/api/session');
    this.end(null);
  }

  /** The session is over. */
  end(notice: string | null): void {
    this.state.set({ kind: 'signedOut', notice });
  }

  async #ask(): Promise<void> {
    const backoff = new Backoff(Math.random);
    for (;;) {
      try {
        this.state.set({ kind: 'signedIn', me: await get<Principal>('/api/me') });
        return;
      } catch (error) {
        if (error instanceof ApiError && error.status >= 400 && error.status < 500) {
          this.end(error.status === 401 ? null : explain(error));
          return;
        }
        this.state.set({ kind: 'unreachable' });
        await new Promise((resolve) => setTimeout(resolve, backoff.nextDelay() * 1000));
      }
    }
  }
}

/** The code in `/#link=CODE`, which is taken out of the address and its history at once. */
function takeLink(): string | null {
  const link = new URLSearchParams(location.hash.slice(1)).get('link');
  if (link !== null) {
    history.replaceState(null, '', location.pathname + location.search);
  }
  return link;
}
