import { explain, get } from '../../live/http';
import type { Link } from '../../live/link';
import { isFinal } from '../../live/merge';
import { OutputSearch, type SearchOptions, type SearchQuery } from '../../live/search';
import { findStderr, OutputMap, type Segment } from '../../live/segments';
import { Store } from '../../live/store';
import type { Streams } from '../../live/windowOptions';
import type { SearchPage, Task } from '../../protocol/messages';
import type { OutputKey } from './keys';
import type { MapPicture } from './MapCanvas';
import { MountedOutput } from './MountedOutput';
import type { Mounting, OutputEnvironment } from './mounting';
import { NOTHING_YET, type OutputViewState } from './outputView';
import { marksOf } from './palette';
import { NOTHING_TO_READ, type Readable } from './readableRows';
import type { Look } from './TerminalScreen';

const PUBLISH_SECONDS = 0.1;
/** How often is asked how long a running task's output is. */
const SIZE_SECONDS = 2;
/** What the hub is asked for the map again after. */
const MAP_SECONDS = 30;
/** Rows of context above a place one is taken to. */
const CONTEXT_ROWS = 3;

export interface OutputOptions {
  readonly look: Look;
  /** Whether one may type into the task, if it has a terminal and runs. */
  readonly writable: boolean;
  /** Ask whether to go to an address that the output names (http or https), and go there. */
  readonly openLink: (url: string) => void;
  /** Offset to begin at; left out: follow the end. */
  readonly startAt?: number | null;
  /** Asked once it is shown: whether a terminal is to have the size of this window. */
  readonly takesSize?: () => boolean;
  readonly environment?: OutputEnvironment;
}

const browser: OutputEnvironment = {
  now: () => performance.now() / 1000,
  schedule(seconds, callback) {
    const timer = setTimeout(callback, seconds * 1000);
    return () => clearTimeout(timer);
  },
};

/**
 * A task's output as a page shows it: what it says in `view` and `searching`, and what can be done.
 *
 * Bytes go from the link to the terminal and are in neither store.
 */
export class OutputController {
  readonly taskId: string;
  readonly view: Store<OutputViewState>;
  readonly #link: Link;
  readonly #task: Task;
  readonly #options: OutputOptions;
  readonly #environment: OutputEnvironment;
  readonly #map = new OutputMap();
  readonly #search: OutputSearch;
  readonly #pictureListeners = new Set<() => void>();
  #look: Look;
  #mounted: MountedOutput | null = null;
  #cancelPublish: (() => void) | null = null;
  #cancelPoll: (() => void) | null = null;
  #polling = false;
  #mapLoadedAt = Number.NEGATIVE_INFINITY;
  #stderrSeen = -1;
  #final: boolean;
  #problem: string | null = null;

  constructor(client: { readonly link: Link }, task: Task, options: OutputOptions) {
    this.taskId = task.id;
    this.#link = client.link;
    this.#task = task;
    this.#options = options;
    this.#look = options.look;
    this.#environment = options.environment ?? browser;
    this.#final = isFinal(task.status);
    this.#search = new OutputSearch(
      (query, signal) => get<SearchPage>(searchPath(task.id, query), signal),
      (hit) => this.#mounted?.showHit(hit),
    );
    this.#search.state.subscribe(() => {
      this.#mounted?.drawMarks();
      this.#changed();
    });
    const following = (options.startAt ?? null) === null;
    this.view = new Store<OutputViewState>({ ...NOTHING_YET, size: task.outputSize, following });
  }

  /** Whether the task has a terminal. */
  get isTerminal(): boolean {
    return this.#task.tty !== null;
  }

  /** What is searched for, and what was found. */
  get searching() {
    return this.#search.state;
  }

  /** Show it in these elements; the function returned takes it away and keeps the place. */
  mount(elements: Mounting): () => void {
    const { view } = this;
    const { following, visibleFrom, times, wrap, streams } = view.get();
    const startAt = following ? null : visibleFrom || (this.#options.startAt ?? 0);
    const mounted = new MountedOutput(elements, {
      link: this.#link,
      task: this.#task,
      look: this.#look,
      writable: this.#options.writable && !this.#final,
      takesSize: this.#options.takesSize?.() ?? false,
      map: this.#map,
      startAt,
      times,
      wrap,
      streams,
      hits: () => this.#search.state.get().hits,
      openLink: this.#options.openLink,
      onChange: () => this.#changed(),
      onEnd: () => {
        this.#final = true;
      },
      environment: this.#environment,
    });
    this.#mounted = mounted;
    mounted.grown(this.#task.outputSize);
    this.#pollSoon();
    this.#changed();
    return () => {
      this.#publish();
      this.#cancelPublish?.();
      this.#cancelPublish = null;
      this.#cancelPoll?.();
      this.#mounted = null;
      mounted.close();
    };
  }

  // ── moving about ───────────────────────────────────────────────────────────────────────────

  follow(on: boolean): void {
    this.#problem = null;
    if (on) this.#mounted?.toEnd();
    else this.#mounted?.window.hold();
  }

  toStart(): void {
    this.#problem = null;
    this.#mounted?.toOffset(0);
  }

  toEnd(): void {
    this.#problem = null;
    this.#mounted?.toEnd();
  }

  /** Bring a byte into view, and stay there. */
  toOffset(offset: number): void {
    this.#problem = null;
    this.#mounted?.toOffset(offset, CONTEXT_ROWS);
  }

  /** Put a byte's line at the top of the view, as dragging the map does. */
  scrollToOffset(offset: number): void {
    this.#problem = null;
    this.#mounted?.toOffset(offset);
  }

  scrollPages(pages: number): void {
    this.#mounted?.scrollPages(pages);
  }

  /** To the next stretch of stderr after what is in view; from the start again after the last. */
  async nextStderr(): Promise<void> {
    const { size, visibleFrom, visibleTo, following } = this.view.get();
    const isSeen = this.#stderrSeen > visibleFrom && this.#stderrSeen <= visibleTo;
    const from = following ? 0 : isSeen ? this.#stderrSeen : visibleFrom;
    const look = (start: number, end: number) =>
      get<{ items: Segment[] }>(`${taskPath(this.taskId)}/segments?from=${start}&to=${end}`).then(
        ({ items }) => items,
      );
    await this.#try(async () => {
      const found =
        (await findStderr(look, from, size)) ?? (await findStderr(look, 0, Math.min(from, size)));
      this.#problem = found === null ? 'Nothing was written to stderr.' : null;
      if (found !== null) {
        this.toOffset(found.from);
        this.#stderrSeen = found.to;
      }
    });
  }

  /** The byte to name in a link to here: of the selection, or the first in view. */
  copyLinkOffset(): number {
    return this.#mounted?.linkOffset() ?? this.view.get().visibleFrom;
  }

  // ── searching ──────────────────────────────────────────────────────────────────────────────

  /** Look through the whole output, nearest first; an empty query ends the search. */
  search(query: string, options: SearchOptions): void {
    void this.#search.start(query, options, this.view.get().visibleFrom);
  }

  nextHit(): void {
    this.#search.next();
  }

  previousHit(): void {
    this.#search.previous();
  }

  clearSearch(): void {
    this.#search.clear();
    this.#mounted?.clearHits();
  }

  // ── how it looks ───────────────────────────────────────────────────────────────────────────

  toggleTimes(): void {
    this.#set({ times: !this.view.get().times });
    this.#mounted?.setTimes(this.view.get().times);
  }

  toggleWrap(): void {
    this.#set({ wrap: !this.view.get().wrap });
    this.#mounted?.setWrap(this.view.get().wrap);
  }

  setStreams(streams: Streams): void {
    this.#set({ streams });
    this.#mounted?.window.setStreams(streams);
  }

  setLook(look: Look): void {
    this.#look = look;
    this.#mounted?.setLook(look);
    this.#changed();
  }

  // ── typing ─────────────────────────────────────────────────────────────────────────────────

  focus(): void {
    this.#mounted?.screen.terminal.focus();
  }

  /** Give the program's terminal the size of this window. */
  takeSize(): void {
    this.#mounted?.takeSize();
  }

  sendKey(key: OutputKey): void {
    this.#mounted?.sendKey(key);
  }

  paste(text: string): void {
    this.#mounted?.typing.paste(text);
  }

  /** The next key is taken with Ctrl, or not after all. */
  toggleCtrl(): void {
    this.#mounted?.typing.toggleCtrl();
  }

  // ── for the map and for whoever looks from outside ─────────────────────────────────────────

  /** Called whenever the map has to be drawn again. */
  onPicture(listener: () => void): () => void {
    this.#pictureListeners.add(listener);
    return () => this.#pictureListeners.delete(listener);
  }

  picture(): MapPicture {
    const { visibleFrom, visibleTo, size } = this.view.get();
    return {
      size,
      from: visibleFrom,
      to: visibleTo,
      stretches: this.#map.stretches,
      hits: this.#search.state.get().hits.map((hit) => hit.offset),
      colours: marksOf(this.#look.palette),
    };
  }

  /** The text of the rows that are loaded. */
  text(): string {
    return this.#mounted?.text() ?? '';
  }

  /** What a screen reader is told. */
  readable(): Readable {
    return this.#mounted?.readable() ?? NOTHING_TO_READ;
  }

  /** Ends the search; what is mounted is taken away by what `mount` returned. */
  dispose(): void {
    this.#search.clear();
  }

  // ── what is shown ──────────────────────────────────────────────────────────────────────────

  #set(change: Partial<OutputViewState>): void {
    this.view.set({ ...this.view.get(), ...change });
  }

  #changed(): void {
    this.#cancelPublish ??= this.#environment.schedule(PUBLISH_SECONDS, () => {
      this.#cancelPublish = null;
      this.#publish();
    });
  }

  #publish(): void {
    const mounted = this.#mounted;
    if (mounted === null) {
      return;
    }
    const { window, feed, flow, typing, input } = mounted;
    const size = Math.max(feed.size, feed.end);
    const { following } = window;
    this.#set({
      start: window.start,
      end: window.end,
      size,
      visibleFrom: window.isMoving ? this.view.get().visibleFrom : window.visibleFrom(),
      visibleTo: window.isMoving ? this.view.get().visibleTo : window.visibleTo(),
      following,
      moreBelow: Math.max(0, size - window.end),
      ratePerSecond: flow.ratePerSecond(this.#environment.now()),
      behindBytes: following ? mounted.behind : null,
      behindMs: following ? flow.delay * 1000 : null,
      writable: typing.enabled,
      attached: mounted.isAttached,
      sizeElsewhere: mounted.sizeElsewhere,
      ctrl: typing.ctrl,
      problem: this.#problem ?? feed.progress.get().problem ?? input.problem,
    });
    for (const listener of this.#pictureListeners) listener();
    // A rate goes down without anything happening.
    if (this.view.get().ratePerSecond > 0) this.#changed();
  }

  // ── what the hub is asked ──────────────────────────────────────────────────────────────────

  #pollSoon(): void {
    this.#cancelPoll?.();
    this.#cancelPoll = this.#environment.schedule(this.#mapIsDue() ? 0 : SIZE_SECONDS, async () => {
      if (!this.#final && !document.hidden) await this.#askSize();
      if (this.#mapIsDue()) await this.#loadMap();
      if (this.#mounted !== null && (!this.#final || this.#mapIsDue())) this.#pollSoon();
    });
  }

  async #askSize(): Promise<void> {
    if (this.#polling || this.#mounted === null) {
      return;
    }
    this.#polling = true;
    // The link says when the hub cannot be reached: this only would say it again.
    const task = await get<Task>(taskPath(this.taskId)).catch(() => null);
    this.#polling = false;
    if (task !== null) this.#mounted?.grown(task.outputSize);
  }

  #mapIsDue(): boolean {
    const first = this.#mapLoadedAt === Number.NEGATIVE_INFINITY;
    return first || (!this.#final && this.#environment.now() - this.#mapLoadedAt > MAP_SECONDS);
  }

  /** A map without its marks is still a map: a failure is not worth a word. */
  async #loadMap(): Promise<void> {
    this.#mapLoadedAt = this.#environment.now();
    const { size } = this.view.get();
    if (size === 0 || this.#task.tty !== null) {
      return;
    }
    const path = `${taskPath(this.taskId)}/segments?to=${size}`;
    const answer = await get<{ items: Segment[] }>(path).catch(() => null);
    if (answer !== null) {
      this.#map.load(answer.items, size);
      this.#changed();
    }
  }

  async #try(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#problem = explain(error);
    }
    this.#changed();
  }
}

function taskPath(taskId: string): string {
  return `/api/tasks/${encodeURIComponent(taskId)}`;
}

function searchPath(taskId: string, query: SearchQuery): string {
  const { q, from, to, limit, cursor } = query;
  const parameters = new URLSearchParams({ q, limit: String(limit) });
  if (cursor === null) parameters.set('from', String(from));
  else parameters.set('cursor', cursor);
  if (to !== null) parameters.set('to', String(to));
  if (query.regex) parameters.set('regex', '1');
  if (query.case) parameters.set('case', '1');
  return `${taskPath(taskId)}/search?${parameters}`;
}
