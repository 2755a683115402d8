import type { Follower } from '../../live/link';
import { isFinal } from '../../live/merge';
import { OutputFlow } from '../../live/outputFlow';
import { OutputWindow } from '../../live/outputWindow';
import {
  type OutputSink,
  type Piece,
  TaskFeed,
  TERMINAL_WINDOW_BYTES,
  type TerminalSink,
  WINDOW_BYTES,
} from '../../live/taskFeed';
import { TaskInput } from '../../live/taskInput';
import type {
  GapInfo,
  HubToViewer,
  SearchHit,
  TaskStatusChanged,
  TerminalSize,
} from '../../protocol/messages';
import { FloodSkip, skipLimits } from './FloodSkip';
import { matchedText, spanOf } from './highlight';
import { keySequence, type OutputKey } from './keys';
import { LongestLine } from './LongestLine';
import { marksInView } from './marksInView';
import type { MountedOptions, Mounting } from './mounting';
import { marksOf, PALETTES } from './palette';
import { RowMarks } from './RowMarks';
import { type Readable, readableRows } from './readableRows';
import { ScreenReturn } from './ScreenReturn';
import { SharedSize } from './SharedSize';
import { type Look, TerminalScreen } from './TerminalScreen';
import { Typing } from './Typing';

const KIB = 1024;
/** What is asked for of the end of an output: more than any screen, little enough to be at once. */
const TAIL_BYTES = 256 * KIB;
/** Loaded before the place one jumps to. */
const CONTEXT_BYTES = 64 * KIB;
/** Until a size stays as it is: lines are wrapped anew. */
const RESIZE_SECONDS = 0.1;
/** What the line about another window's size takes from a terminal, as its style sheet says. */
const LINE_PIXELS = 30;
/** So far behind the end one is still at it. */
const NEAR_BYTES = 64 * KIB;

/** An output while it is on a page: what arrives, what is drawn, and what is typed. */
export class MountedOutput implements OutputSink, Follower {
  readonly taskId: string;
  readonly screen: TerminalScreen;
  readonly window: OutputWindow;
  readonly feed: TaskFeed;
  readonly flow = new OutputFlow();
  readonly typing: Typing;
  readonly input: TaskInput;
  /** Of a program's terminal; null: output goes through pipes. */
  readonly size: SharedSize | null;
  readonly #options: MountedOptions;
  readonly #marks: RowMarks;
  readonly #box: HTMLElement;
  readonly #host: HTMLElement;
  readonly #longest = new LongestLine();
  readonly #flood: FloodSkip;
  readonly #return: ScreenReturn;
  readonly #stops: (() => void)[] = [];
  #times: boolean;
  #wrap: boolean;
  #hit: SearchHit | null = null;
  #hasFocus = false;
  #cancelFit: (() => void) | null = null;
  #closed = false;

  constructor(elements: Mounting, options: MountedOptions) {
    const { link, task, environment } = options;
    this.taskId = task.id;
    this.#options = options;
    this.#box = elements.box;
    this.#host = elements.terminal;
    dress(elements.box, options.look);
    this.#times = options.times;
    this.#wrap = options.wrap;
    this.screen = new TerminalScreen(elements.terminal, {
      look: options.look,
      tty: task.tty,
      openLink: options.openLink,
      isTyped: () => this.typing.enabled && (this.size?.controls ?? false),
    });
    this.#marks = new RowMarks(elements.marks, this.screen);
    this.window = new OutputWindow(this.screen.buffer, {
      isTerminal: task.tty !== null,
      isLive: (offset) => offset >= this.feed.liveFrom,
      seek: (offset, isSkip) => this.#seek(offset, isSkip),
      onTerminal: (state) =>
        this.size?.changed(state, state.type === 'terminal' ? state.controls : undefined),
      now: environment.now,
      onChange: () => this.#changed(),
      streams: options.streams,
    });
    const send = link.send.bind(link);
    const windowBytes = task.tty === null ? WINDOW_BYTES : TERMINAL_WINDOW_BYTES;
    const { schedule } = environment;
    const sink = task.tty === null ? null : this.#terminalSink();
    this.feed = new TaskFeed(task.id, -TAIL_BYTES, windowBytes, this, { send, schedule }, sink);
    this.size = task.tty === null ? null : this.#sharedSize(task.tty);
    this.#flood = new FloodSkip(this.window, skipLimits(task.tty !== null), {
      schedule,
      behind: () => this.behind,
      afterFrame: (callback) => this.screen.afterFrame(callback),
    });
    this.#return = this.#screenReturn();
    this.input = new TaskInput(task.id, { ...environment, send, onChange: options.onChange });
    this.typing = new Typing(this.screen.terminal, elements.terminal, {
      onInput: (data) => this.#typed(data),
      onReply: (data) => this.input.reply(data),
      onMove: () => this.#moved(),
      onFocus: (hasFocus) => this.#focused(hasFocus),
      onChange: options.onChange,
    });
    this.#start();
  }

  /** Whether what is typed goes to the program. */
  get isAttached(): boolean {
    return this.#hasFocus && this.typing.enabled;
  }

  get behind(): number {
    return Math.max(0, this.feed.size - this.window.end);
  }

  subscribe() {
    this.size?.left();
    return this.feed.subscribe();
  }

  receive(message: HubToViewer): void {
    if (this.input.receive(message)) return;
    this.feed.receive(message);
    this.#flood.check();
    this.#return.check();
  }

  output(piece: Piece, shown: (to: number) => void): void {
    const { environment, map } = this.#options;
    const arrived = environment.now();
    const { offset, bytes, isError } = piece;
    if (isError) map.add(offset, offset + bytes.length, 'stderr');
    this.#longest.add(bytes);
    let from = offset;
    this.window.output(piece, (to) => {
      // What was there before says nothing of how fast it grows.
      if (offset >= this.feed.liveFrom) this.flow.shown(to - from, arrived, environment.now());
      from = to;
      shown(to);
    });
  }

  gap(gap: GapInfo): void {
    this.#options.map.add(gap.from, gap.to, 'gap');
    this.window.gap(gap);
  }

  restart(offset: number): void {
    this.window.restart(offset);
  }

  /** The output is so long by now. */
  grown(size: number): void {
    this.feed.grown(size);
    this.#flood.check();
  }

  // ── moving about ───────────────────────────────────────────────────────────────────────────

  toEnd(): void {
    this.#clearHit();
    this.window.follow(TAIL_BYTES, !this.window.isMoving && this.behind < TAIL_BYTES);
  }

  /** `rowsAbove`: how much of what comes before is shown as well. */
  toOffset(offset: number, rowsAbove = 0): void {
    this.#clearHit();
    const last = Math.max(0, Math.max(this.feed.size, this.feed.end) - 1);
    this.window.show(Math.min(Math.max(0, offset), last), rowsAbove, CONTEXT_BYTES);
  }

  showHit(hit: SearchHit): void {
    const { offset } = hit;
    const isInView =
      !this.window.isMoving &&
      offset >= this.window.visibleFrom() &&
      offset + hit.length <= this.window.visibleTo();
    if (isInView) this.window.hold();
    else this.toOffset(offset, Math.floor(this.screen.terminal.rows / 3));
    this.#hit = hit;
    this.#highlight();
  }

  /** Offset of the first selected line, or of the first in view. */
  linkOffset(): number {
    const selection = this.screen.terminal.getSelectionPosition();
    const { trimmed, rows } = this.screen.buffer;
    const place =
      selection === undefined
        ? null
        : this.window.table.placeOf(trimmed + selection.start.y, rows, trimmed);
    return place?.offset ?? this.window.visibleFrom();
  }

  clearHits(): void {
    this.#clearHit();
    this.screen.terminal.clearSelection();
    this.drawMarks();
  }

  scrollPages(pages: number): void {
    this.screen.terminal.scrollPages(pages);
    this.#moved();
  }

  // ── how it looks ───────────────────────────────────────────────────────────────────────────

  setTimes(times: boolean): void {
    this.#times = times;
    this.fit();
    this.drawMarks();
  }

  setWrap(wrap: boolean): void {
    this.#wrap = wrap;
    this.fit();
  }

  setLook(look: Look): void {
    dress(this.#box, look);
    const measurable = this.screen.setLook(look);
    this.fit();
    void measurable.then(() => {
      if (!this.#closed) this.fit();
    });
  }

  /** The size of a program's terminal that is another window's; null: it is as there is room for. */
  get sizeElsewhere(): TerminalSize | null {
    return this.typing.enabled && this.size?.isElsewhere ? this.size.size : null;
  }

  /** Give the program's terminal the size that there is room for here. */
  takeSize(): void {
    this.size?.take();
    this.screen.terminal.focus();
  }

  /** Take the size that there is room for; a program's terminal is shown in its own. */
  fit(): void {
    const isLineShown = this.#box.dataset.elsewhere !== undefined;
    const proposed = this.screen.proposeSize(this.#host, isLineShown ? LINE_PIXELS : 0);
    if (proposed === null) {
      return;
    }
    if (this.size !== null) {
      this.size.fit(proposed);
      this.screen.fitInto(this.#host);
      // Whether it is the size of another window depends on the room, which nothing else tells of.
      this.#options.onChange();
      return;
    }
    const wide = this.#wrap ? 0 : this.#longest.columns;
    this.#resize({ cols: Math.max(proposed.cols, wide), rows: proposed.rows });
  }

  #resize(size: TerminalSize): void {
    const { cols, rows } = this.screen.terminal;
    if (size.cols !== cols || size.rows !== rows) {
      this.window.resize(() => this.screen.resize(size), size.cols !== cols);
    }
  }

  drawMarks(): void {
    const { task, hits } = this.#options;
    if (task.tty !== null) {
      return;
    }
    const startedAt = this.#times && task.startedAt !== null ? Date.parse(task.startedAt) : null;
    this.#marks.draw(marksInView(this.screen.buffer, this.window, startedAt, hits()));
  }

  // ── typing ─────────────────────────────────────────────────────────────────────────────────

  sendKey(key: OutputKey): void {
    const { modes } = this.screen.terminal;
    this.typing.send(keySequence(key, modes.applicationCursorKeysMode, this.typing.takeCtrl()));
  }

  /** The text of the rows that are loaded. */
  text(): string {
    const { active } = this.screen.terminal.buffer;
    const lines: string[] = [];
    for (let row = 0; row < active.length; row += 1) {
      const line = active.getLine(row);
      const text = line?.translateToString(true) ?? '';
      if (line?.isWrapped) lines.push((lines.pop() ?? '') + text);
      else lines.push(text);
    }
    return lines.join('\n').trimEnd();
  }

  /** What a screen reader is told. */
  readable(): Readable {
    return readableRows(this.screen, this.window.maySkip);
  }

  close(): void {
    this.#closed = true;
    for (const stop of this.#stops) stop();
    this.size?.close();
    this.#cancelFit?.();
    this.#return.close();
    this.#flood.close();
    this.input.close();
    this.feed.close();
    this.typing.close();
    this.screen.close();
  }

  // ── what happens ───────────────────────────────────────────────────────────────────────────

  #start(): void {
    const { link, task, startAt, writable } = this.#options;
    const { terminal } = this.screen;
    void this.screen.whenMeasurable().then(() => {
      if (!this.#closed) this.fit();
    });
    this.typing.enable(writable && task.tty !== null && !isFinal(task.status));
    this.fit();
    if (startAt !== null) this.window.show(startAt, 0, CONTEXT_BYTES);
    const drawing = terminal.onRender(() => this.drawMarks());
    const observer = new ResizeObserver(() => this.#fitSoon());
    observer.observe(this.#host);
    const onLink = () => {
      if (link.state.get().kind === 'live') this.input.connected(link.announced);
      else this.input.disconnected();
    };
    this.#stops.push(
      () => drawing.dispose(),
      () => observer.disconnect(),
      link.listen((fact) => {
        if (fact.type === 'status' && fact.taskId === this.taskId) this.#told(fact);
      }),
      link.follow(this),
      this.typing.enabled ? link.state.subscribe(onLink) : () => {},
      this.feed.progress.subscribe(this.#options.onChange),
    );
    if (this.typing.enabled) onLink();
  }

  #told(fact: TaskStatusChanged): void {
    this.feed.changed(fact);
    if (fact.task?.tty && !this.feed.isAsTerminal) this.size?.changed(fact.task.tty);
    this.grown(this.feed.size);
    if (isFinal(fact.status)) {
      this.typing.enable(false);
      this.input.close();
      this.#options.onEnd();
      this.#options.onChange();
    } else {
      this.input.told(fact);
    }
  }

  #sharedSize(size: TerminalSize): SharedSize {
    const { link, takesSize, environment } = this.#options;
    const { taskId } = this;
    return new SharedSize({
      size,
      takes: takesSize,
      mayChange: () => this.typing.enabled,
      send: ({ cols, rows }, take) =>
        link.send({ type: 'resize', taskId, cols, rows, ...(take ? { take } : {}) }),
      schedule: environment.schedule,
      onSize: (changed) => {
        this.#resize(changed);
        this.screen.fitInto(this.#host);
        this.#options.onChange();
      },
      onControl: (controls) => {
        this.screen.controlled(controls);
        this.#options.onChange();
      },
    });
  }

  #terminalSink(): TerminalSink {
    const { window } = this;
    return {
      onScreen: (screen) => window.screen(screen),
      onTerminal: (state) => window.terminal(state),
      // Where a place is held, its rows stay when the connection is made anew.
      get wantsScreen() {
        return window.following;
      },
    };
  }

  #seek(offset: number, isSkip: boolean): void {
    if (isSkip) this.#return.skipped();
    this.feed.seek(offset, offset < 0 && !isSkip);
    if (!this.feed.isAsTerminal) this.size?.left();
  }

  #screenReturn(): ScreenReturn {
    return new ScreenReturn({
      ...this.#options.environment,
      isDue: () =>
        this.size !== null &&
        !this.feed.isAsTerminal &&
        !this.#flood.isActive &&
        this.window.following &&
        !this.window.isMoving &&
        this.behind <= NEAR_BYTES,
      goOn: () => this.window.refresh(TAIL_BYTES),
    });
  }

  #typed(data: Uint8Array): void {
    if (!this.window.following) this.toEnd();
    this.input.type(data);
  }

  #moved(): void {
    this.#hit = null;
    const isEverything = this.window.end >= this.feed.end && this.feed.end >= this.feed.size;
    this.window.moved(isEverything);
    this.#return.check();
    this.#options.onChange();
  }

  #focused(hasFocus: boolean): void {
    this.#hasFocus = hasFocus;
    this.#options.onChange();
  }

  #fitSoon(): void {
    this.#cancelFit ??= this.#options.environment.schedule(RESIZE_SECONDS, () => {
      this.#cancelFit = null;
      this.fit();
    });
  }

  #changed(): void {
    this.#highlight();
    this.#return.check();
    if (!this.#wrap && this.#longest.columns > this.screen.terminal.cols) this.fit();
    this.#options.onChange();
  }

  #highlight(): void {
    const hit = this.#hit;
    if (hit === null || this.window.isMoving) {
      return;
    }
    const { buffer, terminal } = this.screen;
    const place = this.window.table.rowOf(hit.offset, buffer.rows, buffer.trimmed);
    if (place !== null && hit.offset < this.window.end) {
      this.#hit = null;
      const row = place.row - buffer.trimmed;
      const span = spanOf(terminal.buffer.normal, row, place.prefix, matchedText(hit));
      if (span !== null) terminal.select(span.column, span.row, span.length);
    }
  }

  #clearHit(): void {
    this.#hit = null;
  }
}

/** What is around the text, in the look's colours and type. */
function dress(box: HTMLElement, { fontFamily, fontSize, palette }: Look): void {
  const { stderr, gap, hit, muted } = marksOf(palette);
  box.style.fontFamily = fontFamily;
  box.style.fontSize = `${fontSize}px`;
  box.style.background = PALETTES[palette].background ?? '';
  for (const [name, colour] of Object.entries({ stderr, gap, hit, muted })) {
    box.style.setProperty(`--mark-${name}`, colour);
  }
}
