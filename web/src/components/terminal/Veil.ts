import type { Terminal } from '@xterm/xterm';

/** However slow the hub is, old output must not pass for new for longer. */
const MAX_MS = 2_000;

/** A still picture of a terminal over itself, while it is drawn anew underneath. */
export class Veil {
  readonly #terminal: Terminal;
  #picture: HTMLElement | null = null;
  #timer = 0;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  draw(): void {
    const screen = this.#terminal.element?.querySelector('.xterm-screen');
    if (!(screen instanceof HTMLElement) || this.#picture !== null) {
      return;
    }
    const picture = screen.cloneNode(true) as HTMLElement;
    picture.setAttribute('aria-hidden', 'true');
    // Keys are for the terminal, not for its picture.
    picture.querySelector('textarea')?.remove();
    Object.assign(picture.style, {
      position: 'absolute',
      inset: '0',
      zIndex: '9',
      background: this.#terminal.options.theme?.background ?? '',
    });
    screen.parentElement?.append(picture);
    this.#picture = picture;
    this.#timer = window.setTimeout(() => this.lift(), MAX_MS);
  }

  /** Once what is underneath is on the screen as well. */
  lift(): void {
    const picture = this.#picture;
    if (picture === null) {
      return;
    }
    clearTimeout(this.#timer);
    this.#picture = null;
    // xterm draws in the next frame; what it drew is seen in the one after.
    requestAnimationFrame(() => requestAnimationFrame(() => picture.remove()));
  }
}
