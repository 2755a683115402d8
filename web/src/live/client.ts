import { CommandHistory } from './commandHistory';
import { Confirmation } from './confirmation';
import { Directory } from './directory';
import { browserEnvironment } from './environment';
import { askForConfirmation, onUnreachable } from './http';
import { LastMachine } from './lastMachine';
import { Link } from './link';
import { PreferenceStore } from './preferences';
import { SESSION_ENDED, Session } from './session';
import { Shortcuts } from './shortcuts';

/** The page's one session, one link and one view of what there is. */
export class Client {
  readonly session = new Session(sessionStorage);
  readonly link = new Link(browserEnvironment);
  readonly directory = new Directory(this.link);
  readonly commands = new CommandHistory(localStorage);
  readonly lastMachine = new LastMachine(localStorage);
  readonly preferences = new PreferenceStore(localStorage);
  readonly shortcuts = new Shortcuts();
  readonly confirmation = new Confirmation();
  #mayResume = false;

  constructor() {
    askForConfirmation(this.confirmation.ask);
    this.session.state.subscribe(() => this.#onSession());
    this.link.state.subscribe(() => this.#onLink());
    onUnreachable(() => this.link.doubt());
    addEventListener('offline', () => this.link.offline());
    addEventListener('online', () => this.link.reconnectNow());
    // A link pasted into the tab that shows this page loads nothing anew: only this tells of it.
    addEventListener('hashchange', () => void this.session.addressChanged());
  }

  #onLink(): void {
    const { kind } = this.link.state.get();
    if (kind === 'live') this.#mayResume = true;
    if (kind !== 'signedOut') return;
    this.session.end(SESSION_ENDED);
    // Another tab of this browser may have signed in again, which ended the session before.
    if (this.#mayResume) void this.session.resume();
    this.#mayResume = false;
  }

  #onSession(): void {
    const session = this.session.state.get();
    if (session.kind === 'signedIn') {
      this.commands.belongTo(session.me.userId);
      this.lastMachine.belongTo(session.me.userId);
      this.link.start();
      this.directory.start();
    } else if (session.kind === 'signedOut') {
      this.confirmation.leave();
      // Nobody was signed in, or they wanted to be no more: nothing of theirs stays here.
      if (session.notice === null) {
        this.commands.forget();
        this.lastMachine.forget();
      }
      this.link.stop();
      this.directory.forget();
    }
  }
}
