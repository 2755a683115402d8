import { type ITerminalOptions, Terminal } from '@xterm/xterm';
import type { TerminalPalette } from '../../live/preferences';
import { boundedSize, SCROLLBACK_ROWS, scrollbackOf } from '../../live/terminalSize';
import type { TerminalSize } from '../../protocol/messages';
import { BufferScreen } from './BufferScreen';
import { type Fence, fence } from './fences';
import { loadGraphemes } from './graphemes';
import { linkHandler, type OpenLink, plainLinks } from './links';
import { PALETTES } from './palette';
import { Veil } from './Veil';

const LINE_HEIGHT = 1.2;
const MIN_CONTRAST = 4.5;
/** The map is the scrollbar; xterm wants at least a pixel for its own, which is hidden. */
const SCROLLBAR_PIXELS = 1;
/** Fewer and xterm cannot place wide characters. */
const MIN_COLUMNS = 2;
/** Type is scaled in quarters of a pixel, and not to what cannot be read: beyond that one scrolls. */
const FONT_STEPS = 4;
const MIN_FONT_PIXELS = 6;

export interface Look {
  readonly fontSize: number;
  readonly fontFamily: string;
  readonly palette: TerminalPalette;
}

export interface ScreenOptions {
  readonly look: Look;
  /** Of the program's own terminal; null: output goes through pipes. */
  readonly tty: TerminalSize | null;
  readonly openLink: OpenLink;
  /** Whether what is typed here goes to the program. */
  readonly isTyped: () => boolean;
}

/** A task's output in an xterm. Keeps what it can scroll back to and nothing else. */
export class TerminalScreen {
  readonly terminal: Terminal;
  readonly buffer: BufferScreen;
  readonly #fence: Fence;
  #closed = false;
  #fontSize: number;
  // At the size of the look's type, whatever it is scaled to.
  #cell: { width: number; height: number } | null = null;

  /** `host` must have a size by now. */
  constructor(host: HTMLElement, { look, tty, openLink, isTyped }: ScreenOptions) {
    this.terminal = new Terminal({
      ...lookOptions(look),
      // Unicode versions and links of programs are still proposals in xterm.
      allowProposedApi: true,
      convertEol: tty === null,
      cursorInactiveStyle: tty === null ? 'none' : 'outline',
      disableStdin: true,
      lineHeight: LINE_HEIGHT,
      linkHandler: linkHandler(openLink),
      logLevel: 'off',
      minimumContrastRatio: MIN_CONTRAST,
      overviewRuler: { width: SCROLLBAR_PIXELS },
      scrollback: tty === null ? SCROLLBACK_ROWS : scrollbackOf(tty),
      ...(tty === null ? {} : boundedSize(tty)),
    });
    this.buffer = new BufferScreen(this.terminal, new Veil(this.terminal));
    this.#fontSize = look.fontSize;
    this.#fence = fence(this.terminal, {
      mayReply: () => this.buffer.isLive && isTyped(),
      droppedRows: () => this.buffer.trimmed,
      maxRows: () => this.terminal.options.scrollback ?? SCROLLBACK_ROWS,
    });
    loadGraphemes(this.terminal);
    this.terminal.registerLinkProvider(plainLinks(this.terminal, openLink));
    this.terminal.open(host);
  }

  /** The size that fills the host and so many pixels below it; null while there is no telling. */
  proposeSize(host: HTMLElement, below = 0): TerminalSize | null {
    const { width, height } = this.cell();
    const cols = Math.floor((host.clientWidth - SCROLLBAR_PIXELS) / width);
    const rows = Math.floor((host.clientHeight + below) / height);
    const isShown = Number.isFinite(cols) && Number.isFinite(rows) && host.clientHeight > 0;
    return isShown ? boundedSize({ cols: Math.max(MIN_COLUMNS, cols), rows }) : null;
  }

  /**
   * Size of one character in the look's type, in CSS pixels. Asking the page is dear, so it is asked
   * once a look.
   */
  cell(): { width: number; height: number } {
    if (this.#cell === null) {
      const screen = this.terminal.element?.querySelector('.xterm-screen');
      const { width, height } = screen?.getBoundingClientRect() ?? { width: 0, height: 0 };
      const { cols, rows, options } = this.terminal;
      const scale = this.#fontSize / (options.fontSize ?? this.#fontSize);
      const cell = { width: (width / cols) * scale, height: (height / rows) * scale };
      if (height === 0) return cell;
      this.#cell = cell;
    }
    return this.#cell;
  }

  /** As large as the look wants, or as much smaller as the terminal needs to fit into `host`. */
  fitInto(host: HTMLElement): void {
    const { cols, rows, options } = this.terminal;
    const { width, height } = this.cell();
    const room = Math.min(
      (host.clientWidth - SCROLLBAR_PIXELS) / (cols * width),
      host.clientHeight / (rows * height),
    );
    if (!(room > 0)) return;
    const scaled = Math.floor(Math.min(1, room) * this.#fontSize * FONT_STEPS) / FONT_STEPS;
    const fontSize = Math.max(MIN_FONT_PIXELS, scaled);
    if (options.fontSize !== fontSize) options.fontSize = fontSize;
  }

  /** Whether the program's questions are answered here, and it hears of focus. */
  controlled(controls: boolean): void {
    this.#fence.controlled(controls);
  }

  resize(size: TerminalSize): void {
    const { cols, rows } = boundedSize(size);
    this.terminal.options.scrollback = scrollbackOf(size);
    this.buffer.resize(cols, rows);
  }

  /** Resolves when its characters can be measured. */
  setLook(look: Look): Promise<void> {
    this.terminal.options = lookOptions(look);
    this.#fontSize = look.fontSize;
    this.#cell = null;
    return this.whenMeasurable();
  }

  /** Fonts come late: once this one is there, characters are measured again. */
  async whenMeasurable(): Promise<void> {
    const { options } = this.terminal;
    const { fontFamily = '' } = options;
    const fontSize = this.#fontSize;
    await document.fonts.load(`${fontSize}px ${fontFamily}`).catch(() => []);
    if (this.#closed) return;
    // xterm measures when an option changes.
    if (options.fontFamily === fontFamily) options.fontFamily = `${fontFamily}, monospace`;
    this.#cell = null;
  }

  /** Call once, after the terminal has been drawn next; the function returned calls it off. */
  afterFrame(callback: () => void): () => void {
    const drawing = this.terminal.onRender(() => {
      drawing.dispose();
      callback();
    });
    return () => drawing.dispose();
  }

  /** The element of each row in view, from the top. */
  rowElements(): HTMLCollection | undefined {
    return this.terminal.element?.querySelector('.xterm-rows')?.children;
  }

  close(): void {
    this.#closed = true;
    this.buffer.close();
  }
}

function lookOptions({ fontSize, fontFamily, palette }: Look): ITerminalOptions {
  return {
    fontFamily,
    fontSize,
    theme: { ...PALETTES[palette], overviewRulerBorder: '#00000000' },
  };
}
