import { FitAddon } from '@xterm/addon-fit';
import { Terminal } from '@xterm/xterm';
import { formatSize } from '../../live/format';
import type { Screen } from '../../live/taskFeed';
import { gapReason } from '../../live/words';
import type { TerminalSize } from '../../protocol/messages';
import { ErrorMarks } from './errorMarks';
import { palette } from './palette';

export const SCROLLBACK_LINES = 10_000;
const RULER_PIXELS = 10;
const LINE_FEED = 10;
const RESET = '\x1b[0m';
const MARKED = '\x1b[0;30;43m';
const DIM = '\x1b[0;90m';

export interface ScreenOptions {
  tty: TerminalSize | null;
  /** Whether the end is in view. */
  onFollow: (following: boolean) => void;
  /** Whether lines were let go because there are too many. */
  onFull: (full: boolean) => void;
}

/** A task's output in an xterm. Keeps what it can scroll back to and nothing else. */
export class OutputScreen implements Screen {
  readonly #terminal: Terminal;
  readonly #errorMarks: ErrorMarks;
  readonly #stopResizing: () => void;
  #atLineStart = true;

  constructor(element: HTMLElement, { tty, onFollow, onFull }: ScreenOptions) {
    const style = getComputedStyle(element);
    this.#terminal = new Terminal({
      // Decorations, which mark stderr, are still a proposal in xterm.
      allowProposedApi: true,
      convertEol: tty === null,
      cursorInactiveStyle: 'none',
      disableStdin: true,
      fontFamily: style.fontFamily,
      fontSize: Number.parseFloat(style.fontSize),
      lineHeight: 1.35,
      minimumContrastRatio: 4.5,
      overviewRuler: { width: RULER_PIXELS },
      scrollback: SCROLLBACK_LINES,
      theme: { ...palette, background: style.getPropertyValue('--terminal') },
      ...tty,
    });
    this.#errorMarks = new ErrorMarks(this.#terminal);
    this.#terminal.open(element);
    this.#terminal.onRender(() => {
      const { viewportY, baseY } = this.#terminal.buffer.active;
      onFollow(viewportY === baseY);
      onFull(baseY === SCROLLBACK_LINES);
    });
    this.#terminal.attachCustomKeyEventHandler((event) => this.#scroll(event));
    this.#stopResizing = tty === null ? this.#fitTo(element) : () => {};
  }

  output(bytes: Uint8Array, isError: boolean, rendered: () => void): void {
    this.#atLineStart = bytes.at(-1) === LINE_FEED;
    if (isError) {
      this.#errorMarks.write(bytes, rendered);
    } else {
      this.#terminal.write(bytes, rendered);
    }
  }

  gap(from: number, to: number, reason: string): void {
    this.#note(MARKED, `${formatSize(to - from)} are missing here: ${gapReason(reason)}`);
  }

  /** Say that what is shown is not the beginning. */
  startsAt(offset: number): void {
    this.#note(DIM, `The first ${formatSize(offset)} are not shown; the download has them.`);
  }

  follow(): void {
    this.#terminal.scrollToBottom();
  }

  close(): void {
    this.#stopResizing();
    this.#terminal.dispose();
  }

  #note(style: string, text: string): void {
    const before = this.#atLineStart ? '' : '\r\n';
    this.#terminal.write(`${before}${style} ${text} ${RESET}\r\n`);
    this.#atLineStart = true;
  }

  /** Nothing can be typed: keys scroll, and those that do not stay the browser's (Tab leaves). */
  #scroll(event: KeyboardEvent): boolean {
    const terminal = this.#terminal;
    const actions: Record<string, () => void> = {
      ArrowUp: () => terminal.scrollLines(-1),
      ArrowDown: () => terminal.scrollLines(1),
      PageUp: () => terminal.scrollPages(-1),
      PageDown: () => terminal.scrollPages(1),
      Home: () => terminal.scrollToTop(),
      End: () => terminal.scrollToBottom(),
    };
    const action = actions[event.key];
    if (event.type === 'keydown' && action !== undefined) {
      action();
      event.preventDefault();
    }
    return false;
  }

  #fitTo(element: HTMLElement): () => void {
    const fit = new FitAddon();
    this.#terminal.loadAddon(fit);
    const observer = new ResizeObserver(() => fit.fit());
    observer.observe(element);
    return () => observer.disconnect();
  }
}
