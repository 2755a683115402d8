import { CommandHistory } from './commandHistory';
import { Directory } from './directory';
import { browserEnvironment } from './environment';
import { Link } from './link';
import { PreferenceStore } from './preferences';
import { SESSION_ENDED, Session } from './session';
import { Shortcuts } from './shortcuts';

/** The page's one session, one link and one view of what there is. */
export class Client {
  readonly session = new Session();
  readonly link = new Link(browserEnvironment);
  readonly directory = new Directory(this.link);
  readonly commands = new CommandHistory(localStorage);
  readonly preferences = new PreferenceStore(localStorage);
  readonly shortcuts = new Shortcuts();

  constructor() {
    this.session.state.subscribe(() => this.#onSession());
    this.link.state.subscribe(() => {
      if (this.link.state.get().kind === 'signedOut') {
        this.session.end(SESSION_ENDED);
      }
    });
    addEventListener('online', () => this.link.reconnectNow());
  }

  #onSession(): void {
    const session = this.session.state.get();
    if (session.kind === 'signedIn') {
      this.commands.belongTo(session.me.userId);
      this.link.start();
      this.directory.start();
    } else if (session.kind === 'signedOut') {
      // Nobody was signed in, or they wanted to be no more: nothing of theirs stays here.
      if (session.notice === null) this.commands.forget();
      this.link.stop();
      this.directory.forget();
    }
  }
}
