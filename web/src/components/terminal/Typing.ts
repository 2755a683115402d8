import type { Terminal } from '@xterm/xterm';
import { isReply } from '../../live/replies';
import { withCtrl } from './keys';

/** Rows that a swipe goes on for after the finger has left, per row a frame. */
const FRICTION = 0.94;
const SLOWEST_ROWS_A_FRAME = 0.05;
const ESCAPE = '\x1b';

export interface TypingEvents {
  onInput(data: Uint8Array): void;
  /** The terminal has something to say to the program that nobody typed. */
  onReply(data: Uint8Array): void;
  /** Somebody has scrolled, or tried to. */
  onMove(): void;
  onFocus(hasFocus: boolean): void;
  onChange(): void;
}

/** Keys, pastes, wheels and fingers on a terminal: to the program, or to scroll. */
export class Typing {
  enabled = false;
  /** The next character is taken with Ctrl. */
  ctrl = false;
  readonly #terminal: Terminal;
  readonly #host: HTMLElement;
  readonly #events: TypingEvents;
  readonly #abort = new AbortController();

  constructor(terminal: Terminal, host: HTMLElement, events: TypingEvents) {
    this.#terminal = terminal;
    this.#host = host;
    this.#events = events;
    terminal.attachCustomKeyEventHandler((event) => this.#key(event));
    terminal.onData((text) => this.#typed(text));
    terminal.onBinary((text) =>
      events.onInput(Uint8Array.from(text, (unit) => unit.charCodeAt(0))),
    );
    this.#listen();
  }

  enable(enabled: boolean): void {
    this.enabled = enabled;
    this.#terminal.options.disableStdin = !enabled;
  }

  /** As if it had been typed. */
  send(text: string): void {
    if (this.enabled) this.#terminal.input(text, true);
  }

  /** As the program asked for pastes; it cannot be told from them where a paste ends. */
  paste(text: string): void {
    if (this.enabled) this.#terminal.paste(text.replaceAll(ESCAPE, ''));
  }

  toggleCtrl(): void {
    this.ctrl = this.enabled && !this.ctrl;
    this.#events.onChange();
  }

  takeCtrl(): boolean {
    const { ctrl } = this;
    this.ctrl = false;
    return ctrl;
  }

  close(): void {
    this.#abort.abort();
  }

  #typed(text: string): void {
    if (isReply(text)) {
      this.#events.onReply(new TextEncoder().encode(text));
      return;
    }
    const isOne = this.ctrl && Array.from(text).length === 1;
    const typed = isOne && this.takeCtrl() ? withCtrl(text) : text;
    this.#events.onInput(new TextEncoder().encode(typed));
    if (isOne) this.#events.onChange();
  }

  #listen(): void {
    const { signal } = this.#abort;
    const host = this.#host;
    const { textarea } = this.#terminal;
    const moved = () => requestAnimationFrame(() => signal.aborted || this.#events.onMove());
    host.addEventListener('wheel', moved, { signal, passive: true, capture: true });
    const dragged = ({ buttons }: PointerEvent) => buttons !== 0 && moved();
    host.addEventListener('pointermove', dragged, { signal, passive: true });
    host.addEventListener('paste', (event) => this.#pasted(event), { signal, capture: true });
    textarea?.addEventListener('focus', () => this.#events.onFocus(true), { signal });
    textarea?.addEventListener('blur', () => this.#events.onFocus(false), { signal });
    this.#listenToFingers(signal, moved);
  }

  #pasted(event: ClipboardEvent): void {
    event.preventDefault();
    event.stopPropagation();
    this.paste(event.clipboardData?.getData('text/plain') ?? '');
  }

  /** xterm does not scroll by touch. */
  #listenToFingers(signal: AbortSignal, moved: () => void): void {
    let last: number | null = null;
    let speed = 0;
    let rest = 0;
    const scroll = (rows: number) => {
      rest += rows;
      const whole = Math.trunc(rest);
      rest -= whole;
      if (whole !== 0) this.#terminal.scrollLines(whole);
      moved();
    };
    const glide = () => {
      if (last !== null || signal.aborted || Math.abs(speed) < SLOWEST_ROWS_A_FRAME) return;
      scroll(speed);
      speed *= FRICTION;
      requestAnimationFrame(glide);
    };
    const rowPixels = () => this.#host.clientHeight / this.#terminal.rows;
    const listen = (type: 'touchstart' | 'touchmove' | 'touchend', act: (y: number) => void) =>
      this.#host.addEventListener(
        type,
        (event) => event.touches.length <= 1 && act(event.touches[0]?.clientY ?? 0),
        { signal, passive: true },
      );
    listen('touchstart', (y) => {
      last = y;
      speed = 0;
    });
    listen('touchmove', (y) => {
      if (last === null) return;
      speed = (last - y) / rowPixels();
      last = y;
      scroll(speed);
    });
    listen('touchend', () => {
      last = null;
      glide();
    });
  }

  /** False: not for xterm. */
  #key(event: KeyboardEvent): boolean {
    if (event.ctrlKey && event.shiftKey && event.key === '>') return false;
    if (event.ctrlKey && event.shiftKey && event.code === 'Period') return false;
    if (this.enabled) return this.#typedKey(event);
    return this.#scrollKey(event);
  }

  #typedKey(event: KeyboardEvent): boolean {
    if (event.ctrlKey && event.shiftKey && event.code === 'KeyC') {
      if (event.type === 'keydown') document.execCommand('copy');
      event.preventDefault();
      return false;
    }
    // The browser pastes, and the paste is taken from its event.
    if (event.ctrlKey && event.shiftKey && event.code === 'KeyV') return false;
    if (event.shiftKey && /^Page(Up|Down)$/.test(event.key)) this.#events.onMove();
    return true;
  }

  /** Nothing can be typed: keys scroll, and those that do not stay the page's (Tab leaves). */
  #scrollKey(event: KeyboardEvent): boolean {
    const terminal = this.#terminal;
    const actions: Record<string, () => void> = {
      ArrowUp: () => terminal.scrollLines(-1),
      ArrowDown: () => terminal.scrollLines(1),
      PageUp: () => terminal.scrollPages(-1),
      PageDown: () => terminal.scrollPages(1),
    };
    const action = actions[event.key];
    const isPlain = !event.ctrlKey && !event.metaKey && !event.altKey;
    if (event.type === 'keydown' && isPlain && action !== undefined) {
      action();
      this.#events.onMove();
      event.preventDefault();
    }
    return false;
  }
}
