import type { IMarker, Terminal } from '@xterm/xterm';
import type { Rows } from '../../live/lineTable';
import type { Screen } from '../../live/screen';
import { RESTORE_COLOURS } from './fences';

/** Anchors are this part of the scrollback apart, so that one is always there. */
const ANCHOR_PART = 1 / 8;
const KEPT_ANCHORS = 3;
/** xterm has no terminal of fewer. */
const MIN_COLUMNS = 2;
/** Aborts a sequence that has not ended, then erases all. As bytes: half a character ends there. */
const CANCEL_AND_RESET = new TextEncoder().encode(`\x18${RESTORE_COLOURS}\x1bc`);

/** The same where a program goes on: rows go, modes and screen in use stay. */
const CANCEL_AND_ERASE = new TextEncoder().encode('\x18\x1b[m\x1b[H\x1b[2J\x1b[3J');
/** Its other screen has no rows but those that the program draws over. */
const CANCEL = new TextEncoder().encode('\x18\x1b[m');

/** A marker is told by xterm where its row is after old ones were dropped. */
interface Anchor {
  readonly marker: IMarker;
  readonly row: number;
}

/** What hides a terminal while it is drawn anew. */
export interface Cover {
  draw(): void;
  lift(): void;
}

/** An xterm's rows as output is drawn on them. Needs no page. */
export class BufferScreen implements Screen {
  /** Whether what is being drawn is no replay. */
  isLive = false;
  readonly rows: Rows;
  readonly #terminal: Terminal;
  readonly #cover: Cover;
  #anchors: Anchor[] = [];
  #trimmed = 0;
  #drawn = 0;
  #closed = false;

  constructor(terminal: Terminal, cover: Cover) {
    this.#terminal = terminal;
    this.#cover = cover;
    // Asked for each time: a reset replaces the buffer behind it.
    this.rows = {
      get length() {
        return terminal.buffer.normal.length;
      },
      isWrapped: (row) => terminal.buffer.normal.getLine(row)?.isWrapped ?? false,
    };
  }

  get cursor(): number {
    const { baseY, cursorY } = this.#terminal.buffer.normal;
    return baseY + cursorY;
  }

  get top(): number {
    return this.#terminal.buffer.normal.viewportY;
  }

  get height(): number {
    return this.#terminal.rows;
  }

  get trimmed(): number {
    const anchor = this.#anchors.findLast(({ marker }) => marker.line >= 0);
    if (anchor !== undefined) {
      this.#trimmed = anchor.row - anchor.marker.line;
    } else if (this.#anchors.length > 0) {
      // All was erased at once: the rows there are now are new ones.
      this.#anchors = [];
      this.#trimmed = this.#drawn + 1;
    }
    return this.#trimmed;
  }

  write(data: Uint8Array, live: boolean, begins: () => void, drawn: () => void): void {
    this.isLive = live;
    this.#anchor();
    this.#write(data, begins, () => {
      this.isLive = false;
      this.#drawn = this.trimmed + this.cursor;
      drawn();
    });
  }

  clear(keepModes: boolean, drawn: () => void): void {
    const isOther = this.#terminal.buffer.active.type !== 'normal';
    const kept = isOther ? CANCEL : CANCEL_AND_ERASE;
    this.#write(
      keepModes ? kept : CANCEL_AND_RESET,
      () => {},
      () => {
        this.#forgetAnchors();
        this.#trimmed = this.#drawn + 1;
        drawn();
      },
    );
  }

  scrollTo(row: number): void {
    const { baseY } = this.#terminal.buffer.normal;
    if (row >= baseY) this.#terminal.scrollToBottom();
    else this.#terminal.scrollToLine(row);
  }

  /** Wraps lines anew, so that rows are counted from here on. */
  resize(cols: number, rows: number): void {
    const { trimmed } = this;
    this.#forgetAnchors();
    const isCut = this.#terminal.buffer.active.type === 'alternate' && cols < this.#terminal.cols;
    // xterm cuts the lines of the alternate screen only where it grows: those of a wider one would
    // be in the text, and come back with the next wider size.
    if (isCut && cols > MIN_COLUMNS) this.#terminal.resize(cols - 1, rows);
    this.#terminal.resize(cols, rows);
    this.#trimmed = trimmed;
    this.#drawn = trimmed + this.cursor;
  }

  freeze(): void {
    this.#cover.draw();
  }

  thaw(): void {
    this.#cover.lift();
  }

  /** Nothing is told about rows any more. */
  close(): void {
    this.#closed = true;
    this.#terminal.dispose();
  }

  /** What is being written when a terminal is disposed of, xterm still ends. */
  #write(data: Uint8Array, begins: () => void, drawn: () => void): void {
    const terminal = this.#terminal;
    // Written from within a callback it follows in the same turn, right after this moment.
    terminal.write('', () => {
      if (this.#closed) return;
      begins();
      terminal.write(data, () => {
        if (!this.#closed) drawn();
      });
    });
  }

  #anchor(): void {
    const terminal = this.#terminal;
    const row = this.trimmed + this.cursor;
    const last = this.#anchors.at(-1);
    const distance = (terminal.options.scrollback ?? 0) * ANCHOR_PART;
    const isDue = last === undefined || last.marker.line < 0 || row - last.row >= distance;
    if (terminal.buffer.active.type !== 'normal' || !isDue) {
      return;
    }
    this.#anchors.push({ marker: terminal.registerMarker(0), row });
    for (const old of this.#anchors.splice(0, this.#anchors.length - KEPT_ANCHORS)) {
      old.marker.dispose();
    }
  }

  #forgetAnchors(): void {
    for (const { marker } of this.#anchors) marker.dispose();
    this.#anchors = [];
  }
}
