import { Directory } from './directory';
import { browserEnvironment } from './environment';
import { Link } from './link';
import { PreferenceStore } from './preferences';
import { Session } from './session';
import { Shortcuts } from './shortcuts';

/** The page's one session, one link and one view of what there is. */
export class Client {
  readonly session = new Session();
  readonly link = new Link(browserEnvironment);
  readonly directory = new Directory(this.link);
  readonly preferences = new PreferenceStore(localStorage);
  readonly shortcuts = new Shortcuts();

  constructor() {
    this.session.state.subscribe(() => this.#onSession());
    this.link.state.subscribe(() => {
      if (this.link.state.get().kind === 'signedOut') {
        this.session.end('Your session has ended.');
      }
    });
    addEventListener('online', () => this.link.reconnectNow());
  }

  #onSession(): void {
    const { kind } = this.session.state.get();
    if (kind === 'signedIn') {
      this.link.start();
      this.directory.start();
    } else if (kind === 'signedOut') {
      this.link.stop();
      this.directory.close();
    }
  }
}
