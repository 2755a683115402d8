import type { GapInfo, Screen as TerminalScreen, TerminalState } from '../protocol/messages';
import { DrawPace, isLineFeed } from './drawPace';
import { FirstLine, firstLineAt } from './firstLine';
import { gapNote } from './gapNote';
import { Harmless } from './harmless';
import { LineTable } from './lineTable';
import type { Screen } from './screen';
import type { OutputSink, Piece } from './taskFeed';
import type { Queued, Streams, Target, Waiting, WindowOptions } from './windowOptions';

const KIB = 1024;
/** Rows kept loaded below what is looked at; beyond them nothing more is taken from the hub. */
export const AHEAD_ROWS = 1_500;
/** Beyond it the oldest rows are not told apart any more; what is drawn stays. */
const KEPT_BYTES = 16 * KIB * KIB;
/** Small pieces of one row are kept together up to this size. */
const MERGED_BYTES = 4 * KIB;
/** An older page is about so many rows, and so many bytes. */
const PAGE_ROWS = 3_000;
const MIN_PAGE_BYTES = 64 * KIB;
const MAX_PAGE_BYTES = 1024 * KIB;

/**
 * The part of an output that is on a screen: following its end, or held where somebody looks.
 *
 * Held, it takes no more than `AHEAD_ROWS` beyond the view: what is not drawn is not acknowledged,
 * so the hub waits.
 */
export class OutputWindow implements OutputSink {
  readonly table = new LineTable();
  readonly #screen: Screen;
  readonly #options: WindowOptions;
  #following = true;
  #streams: Streams;
  #queue: Queued[] = [];
  readonly #pace = new DrawPace();
  readonly #harmless: Harmless;
  #drawing = false;
  #clearFirst = false;
  // What comes next is of the same run of a program, further on.
  #keepModes = false;
  // What was skipped to is drawn, and nothing more until `goOn`.
  #rests = false;
  #resizeFirst: (() => void) | null = null;
  // What is being drawn, until it is.
  #inFlight: Waiting | GapInfo | null = null;
  #firstLine = new FirstLine(0);
  #start = 0;
  #end = 0;
  #atLineStart = true;
  #target: Target | null = null;
  // The row that stays first in view while held, counted from the first ever; null: following.
  #pinned: number | null = null;
  #frozen = false;
  // What arrives next is of another place.
  #leaving = false;
  #keptBytes = 0;

  constructor(screen: Screen, options: WindowOptions) {
    this.#screen = screen;
    this.#options = options;
    this.#harmless = new Harmless(options.isTerminal);
    this.#streams = options.streams;
  }

  /** Offset of the first byte that can be scrolled to without asking the hub. */
  get start(): number {
    return (this.table.isWhole ? null : this.table.start) ?? this.#start;
  }

  /** Offset up to which everything is drawn. */
  get end(): number {
    return this.#end;
  }

  get following(): boolean {
    return this.#following;
  }

  get streams(): Streams {
    return this.#streams;
  }

  /** Whether the rows of the place one asked for are not drawn yet. */
  get isMoving(): boolean {
    return this.#target !== null || this.#leaving || this.#clearFirst;
  }

  // ── what arrives ───────────────────────────────────────────────────────────────────────────

  restart(offset: number): void {
    this.#restart(offset);
    this.#firstLine = firstLineAt(offset, this.#options.isTerminal, this.#keepModes);
    this.#pump();
  }

  /** What a terminal shows, in place of the output before it. */
  screen(screen: TerminalScreen): void {
    this.#restart(screen.offset);
    this.#keepModes = false;
    this.#firstLine = new FirstLine(0);
    this.#queue.push(screen);
    this.#pump();
  }

  /** A terminal's size, and who controls it, from here on. */
  terminal(state: TerminalState): void {
    this.#queue.push(state);
    this.#pump();
  }

  #restart(offset: number): void {
    this.#leaving = false;
    this.#queue = [];
    this.#inFlight = null;
    this.#clearFirst = true;
    this.#atLineStart = true;
    this.#beginAt(offset);
  }

  output(piece: Piece, shown: (to: number) => void): void {
    const aligned = this.#firstLine.align(piece);
    if (aligned !== piece) this.#beginAt(aligned?.offset ?? piece.offset + piece.bytes.length);
    if (aligned === null) {
      shown(piece.offset + piece.bytes.length);
      return;
    }
    this.#queue.push({ piece: aligned, drawn: shown });
    this.#pump();
  }

  gap(gap: GapInfo): void {
    this.#firstLine = new FirstLine(0);
    this.#queue.push(gap);
    this.#pump();
  }

  #beginAt(offset: number): void {
    this.#start = offset;
    this.#end = offset;
  }

  // ── moving about ───────────────────────────────────────────────────────────────────────────

  /** Show the end and stay there; `tail`: how many bytes of it are wanted if it is far away. */
  follow(tail: number, isNear: boolean): void {
    this.#following = true;
    this.#target = null;
    this.#pinned = null;
    if (isNear) {
      this.#screen.scrollTo(Number.POSITIVE_INFINITY);
      this.#pump();
    } else {
      this.#leave(-tail);
    }
    this.#options.onChange();
  }

  /**
   * Pass over what lies before the last `tail` bytes: it would have been off the screen anyway.
   *
   * The rows there were go once others come: no line is missing between those there are. Then it
   * rests until `goOn`.
   */
  skip(tail: number): void {
    this.#queue = [];
    this.#leaving = true;
    this.#keepModes = true;
    this.#rests = true;
    this.#options.seek(-tail, true);
    this.#options.onChange();
  }

  /** Go on from the end as it is now; what is drawn stays until that is there. */
  refresh(tail: number): void {
    this.#leave(-tail);
  }

  goOn(): void {
    this.#rests = false;
    this.#pump();
  }

  /** Whether it is time to skip: it follows the end, and has drawn all there was when it began. */
  get maySkip(): boolean {
    return this.#following && !this.isMoving && this.#options.isLive(this.#end);
  }

  /** Stay where we are. */
  hold(): void {
    if (this.#following) {
      this.#following = false;
      this.#pinned = this.#screen.trimmed + this.#screen.top;
      this.#options.onChange();
    }
  }

  /** Bring a byte's line into view, `rowsAbove` rows below the top, and stay there. */
  show(offset: number, rowsAbove: number, context: number): void {
    this.#following = false;
    this.#target = { offset, rowInLine: 0, rowsAbove };
    const drawn = offset >= this.start && offset < this.#end && !this.#clearFirst;
    if (drawn) {
      this.#settle();
      this.#options.onChange();
    } else {
      this.#leave(Math.max(0, offset - context));
    }
  }

  /** Somebody has scrolled. `atEnd`: there is nothing beyond what is drawn. */
  moved(atEnd: boolean): void {
    const { top, height, cursor, trimmed } = this.#screen;
    if (this.isMoving) {
      return;
    }
    const atBottom = top + height > cursor;
    const follows = atBottom && (this.#following || (atEnd && this.#queue.length === 0));
    this.#pinned = follows ? null : trimmed + top;
    if (this.#following !== follows) {
      this.#following = follows;
      this.#options.onChange();
    }
    if (!follows && top < height && this.start > 0) {
      this.#older();
    }
    this.#pump();
  }

  /** Show only what came from one stream. */
  setStreams(streams: Streams): void {
    if (streams === this.#streams) {
      return;
    }
    const place = this.#topPlace();
    this.#streams = streams;
    if (!this.#following) this.#target = { ...place, rowsAbove: 0 };
    this.#leave(this.start);
  }

  /** Give the screen another size; the same line stays at the top. */
  resize(apply: () => void, isOtherWidth: boolean): void {
    if (isOtherWidth && !this.#options.isTerminal) {
      this.#redraw(apply);
      return;
    }
    apply();
    // A program draws its terminal anew by itself; which rows are whose is not known any more.
    if (isOtherWidth) this.table.forget();
    if (this.#following) this.#screen.scrollTo(Number.POSITIVE_INFINITY);
    else this.#keepPinned();
    this.#options.onChange();
  }

  /** The line at the top of the view. */
  visibleFrom(): number {
    return this.#topPlace().offset;
  }

  /** The end of what is in view. */
  visibleTo(): number {
    const { top, height, cursor, trimmed, rows } = this.#screen;
    if (top + height > cursor) {
      return this.#end;
    }
    return this.table.placeOf(trimmed + top + height, rows, trimmed)?.offset ?? this.#end;
  }

  // ── drawing ────────────────────────────────────────────────────────────────────────────────

  #pump(): void {
    while (!this.#drawing) {
      if (this.#clearFirst) {
        // In one turn with what comes instead, so that an empty screen is never seen.
        if (this.#keepModes && this.#queue.length === 0) return;
        this.#clear();
        continue;
      }
      const next = this.#queue[0];
      if (next === undefined) {
        this.#settle();
        return;
      }
      if (!this.#isOpen() || (this.#rests && this.#options.isLive(this.#end))) {
        return;
      }
      this.#queue.shift();
      if ('controls' in next) this.#options.onTerminal?.(next);
      else if ('cols' in next) this.#drawScreen(next);
      else if ('reason' in next) this.#drawGap(next);
      else this.#draw(next);
    }
  }

  #isOpen(): boolean {
    const { top, height, cursor, trimmed } = this.#screen;
    if (this.#following || this.#target !== null) {
      return true;
    }
    const first = this.#pinned === null ? top : this.#pinned - trimmed;
    return cursor - (first + height) < AHEAD_ROWS;
  }

  #clear(): void {
    this.#clearFirst = false;
    this.#drawing = true;
    this.#harmless.reset();
    const keepModes = this.#keepModes;
    this.#keepModes = false;
    this.#screen.clear(keepModes, () => {
      this.#drawing = false;
      this.#resizeFirst?.();
      this.#resizeFirst = null;
      this.table.clear();
      this.#keptBytes = 0;
      this.#pump();
    });
  }

  #draw({ piece, drawn }: Waiting): void {
    const isHidden = this.#streams !== 'both' && piece.isError !== (this.#streams === 'stderr');
    const part = isHidden ? null : piece.bytes.subarray(0, this.#pace.cut(piece.bytes));
    const taken = part && this.#harmless.take(part);
    const length = taken?.used ?? piece.bytes.length;
    const bytes = piece.bytes.subarray(0, length);
    const end = piece.offset + length;
    if (length < piece.bytes.length) {
      const rest = { ...piece, offset: end, bytes: piece.bytes.subarray(length) };
      this.#queue.unshift({ piece: rest, drawn });
    }
    const isDrawn = () => {
      this.#end = end;
      drawn(end);
    };
    if (taken === null) {
      isDrawn();
      return;
    }
    this.#inFlight = { piece: { ...piece, bytes }, drawn: isDrawn };
    this.#atLineStart = taken.addsRow || isLineFeed(bytes.at(-1));
    const live = this.#options.isLive(piece.offset);
    this.#write(taken.data, live, (row, endRow) => {
      this.#keep({ ...piece, bytes }, row, endRow);
      isDrawn();
    });
  }

  /** About as long as what it stands for: a place in it is found by that. */
  #drawScreen(screen: TerminalScreen): void {
    const { offset: end, output } = screen;
    const offset = Math.max(0, end - output.length);
    this.#options.onTerminal?.(screen);
    this.#write(output, false, (row, endRow) => {
      this.table.add({ row, endRow, offset, end, piece: null, gap: null });
      this.#start = offset;
    });
  }

  #drawGap(gap: GapInfo): void {
    const note = gapNote(gap, this.#atLineStart);
    const skipped = this.#atLineStart ? 0 : 1;
    this.#inFlight = gap;
    this.#atLineStart = true;
    this.#harmless.rowAdded();
    this.#write(note, false, (row, endRow) => {
      const { from, to } = gap;
      this.table.add({ row: row + skipped, endRow, offset: from, end: to, piece: null, gap });
      this.#end = to;
    });
  }

  #write(data: Uint8Array, live: boolean, drawn: (row: number, endRow: number) => void): void {
    const screen = this.#screen;
    const { now } = this.#options;
    const row = screen.trimmed + screen.cursor;
    let began = 0;
    this.#drawing = true;
    const begins = () => {
      began = now();
    };
    screen.write(data, live, begins, () => {
      this.#drawing = false;
      this.#pace.took(now() - began);
      // What was drawn for a place that was left meanwhile is about to be cleared.
      if (!this.#clearFirst) {
        this.#inFlight = null;
        drawn(row, screen.trimmed + screen.cursor);
        this.table.dropAbove(screen.trimmed);
        this.#keepPinned();
        this.#settle();
      }
      this.#options.onChange();
      this.#pump();
    });
  }

  #keep(piece: Piece, row: number, endRow: number): void {
    this.#keptBytes += piece.bytes.length;
    if (!this.table.merge(piece, row, endRow, MERGED_BYTES)) {
      const end = piece.offset + piece.bytes.length;
      this.table.add({ row, endRow, offset: piece.offset, end, piece, gap: null });
    }
    if (this.#keptBytes > 2 * KEPT_BYTES) {
      this.#keptBytes = this.table.dropOldest(KEPT_BYTES);
    }
  }

  // ── keeping the place ──────────────────────────────────────────────────────────────────────

  /** From the bytes there are, in the turn of what is being drawn: lines wrap by them alone. */
  #redraw(apply: () => void): void {
    if (!this.#following && this.#target === null) {
      this.#target = { offset: this.#topPlace().offset, rowInLine: 0, rowsAbove: 0 };
    }
    this.#freeze();
    const kept = [...this.table.all()].map(({ piece, gap }) =>
      piece === null ? (gap as GapInfo) : { piece, drawn: () => {} },
    );
    const drawing = this.#inFlight === null ? [] : [this.#inFlight];
    this.#queue = [...kept, ...drawing, ...this.#queue];
    this.#start = this.start;
    this.#clearFirst = true;
    this.#resizeFirst = apply;
    this.#atLineStart = true;
    this.#pump();
  }

  #older(): void {
    const { rows, cursor } = this.#screen;
    const perRow = (this.#end - this.start) / Math.max(1, Math.min(cursor, rows.length));
    const bytes = Math.min(MAX_PAGE_BYTES, Math.max(MIN_PAGE_BYTES, perRow * PAGE_ROWS));
    this.#target = { ...this.#topPlace(), rowsAbove: 0 };
    this.#leave(Math.max(0, Math.floor(this.start - bytes)));
  }

  #leave(offset: number): void {
    this.#leaving = true;
    this.#keepModes = false;
    this.#freeze();
    this.#options.seek(offset, false);
  }

  #topPlace(): { offset: number; rowInLine: number } {
    const { rows, top, trimmed } = this.#screen;
    let rowInLine = 0;
    while (top - rowInLine > 0 && rows.isWrapped(top - rowInLine)) rowInLine += 1;
    const place = this.table.placeOf(trimmed + top - rowInLine, rows, trimmed);
    return { offset: place?.offset ?? this.start, rowInLine };
  }

  #settle(): void {
    const target = this.#target;
    const { rows, trimmed } = this.#screen;
    const idle = this.#queue.length === 0;
    if (target === null || this.table.isEmpty) {
      if (target === null && idle) this.#thaw();
      return;
    }
    const reached = this.#end > target.offset || (idle && this.#end === target.offset);
    if (reached) {
      const place = this.table.rowOf(target.offset, rows, trimmed);
      const row = (place?.row ?? trimmed) + target.rowInLine - target.rowsAbove;
      this.#target = null;
      this.#pinned = Math.max(trimmed, row);
      this.#keepPinned();
    }
  }

  /** Scroll back to the row that is to stay, as far as there are rows enough below it. */
  #keepPinned(): void {
    if (this.#pinned === null) {
      if (this.#following && this.#isUpToDate()) this.#thaw();
      return;
    }
    const { top, height, cursor, trimmed } = this.#screen;
    const row = this.#pinned - trimmed;
    if (row !== top) this.#screen.scrollTo(Math.max(0, row));
    if (cursor - row >= height || this.#queue.length === 0) this.#thaw();
  }

  /** In a flood there is always more; what was there at the beginning is enough to be looked at. */
  #isUpToDate(): boolean {
    return this.#queue.length === 0 || this.#options.isLive(this.#end);
  }

  #freeze(): void {
    if (!this.#frozen) {
      this.#frozen = true;
      this.#screen.freeze();
    }
  }

  #thaw(): void {
    if (this.#frozen && !this.#leaving && !this.#clearFirst) {
      this.#frozen = false;
      this.#screen.thaw();
    }
  }
}
