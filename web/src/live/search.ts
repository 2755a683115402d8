import type { SearchHit, SearchPage } from '../protocol/messages';
import { explain } from './http';
import { Store } from './store';

/** More are not listed: whoever has as many has to look for something else. */
export const MAX_HITS = 5_000;
const PAGE_HITS = 500;

export interface SearchOptions {
  readonly regex: boolean;
  readonly case: boolean;
}

export interface SearchQuery extends SearchOptions {
  readonly q: string;
  readonly from: number;
  /** null: to the end. */
  readonly to: number | null;
  readonly limit: number;
  readonly cursor: string | null;
}

export type FetchHits = (query: SearchQuery, signal: AbortSignal) => Promise<SearchPage>;

export interface SearchState {
  readonly query: string;
  readonly options: SearchOptions;
  /** By offset. */
  readonly hits: readonly SearchHit[];
  /** Index among the hits; null before the first is found. */
  readonly current: number | null;
  readonly searched: number;
  readonly total: number;
  readonly state: 'idle' | 'searching' | 'done' | 'full' | 'failed';
  readonly problem: string | null;
}

const NOTHING: SearchState = {
  query: '',
  options: { regex: false, case: false },
  hits: [],
  current: null,
  searched: 0,
  total: 0,
  state: 'idle',
  problem: null,
};

/** A search through all of an output: from where one looks to its end, then from its start. */
export class OutputSearch {
  readonly state = new Store<SearchState>(NOTHING);
  readonly #fetch: FetchHits;
  readonly #onCurrent: (hit: SearchHit) => void;
  #abort: AbortController | null = null;

  /** `onCurrent`: a hit is to be shown. */
  constructor(fetch: FetchHits, onCurrent: (hit: SearchHit) => void) {
    this.#fetch = fetch;
    this.#onCurrent = onCurrent;
  }

  /** The search is over, or the query empty, when this is. */
  async start(query: string, options: SearchOptions, from: number): Promise<void> {
    this.clear();
    if (query === '') {
      return;
    }
    const abort = new AbortController();
    this.#abort = abort;
    this.state.set({ ...NOTHING, query, options, state: 'searching' });
    try {
      const end = await this.#pages({ from, to: null, before: 0 }, abort.signal);
      if (from > 0) await this.#pages({ from: 0, to: from, before: end - from }, abort.signal);
      this.#update(abort, { state: 'done', searched: end, total: end });
    } catch (error) {
      if (error instanceof TooManyHits) this.#update(abort, { state: 'full' });
      else this.#update(abort, { state: 'failed', problem: explain(error) });
    }
  }

  clear(): void {
    this.#abort?.abort();
    this.#abort = null;
    this.state.set(NOTHING);
  }

  next(): void {
    this.#step(1);
  }

  previous(): void {
    this.#step(-1);
  }

  #step(by: number): void {
    const { hits, current } = this.state.get();
    const from = current ?? (by > 0 ? -1 : hits.length);
    const index = (from + by + hits.length) % hits.length;
    const hit = hits[index];
    if (hit !== undefined) {
      this.state.set({ ...this.state.get(), current: index });
      this.#onCurrent(hit);
    }
  }

  /** Look through a part of the output; answers with the output's end. */
  async #pages({ from, to, before }: Part, signal: AbortSignal): Promise<number> {
    let cursor: string | null = null;
    let end = 0;
    do {
      const { query, options } = this.state.get();
      const limit = PAGE_HITS;
      const page: SearchPage = await this.#fetch(
        { q: query, ...options, from, to, limit, cursor },
        signal,
      );
      signal.throwIfAborted();
      end = page.end;
      cursor = page.nextCursor;
      const searched = before + Math.max(0, Math.min(page.searchedTo, to ?? end) - from);
      this.state.set({ ...this.state.get(), searched, total: end });
      this.#add(page.items);
    } while (cursor !== null);
    return end;
  }

  #add(found: readonly SearchHit[]): void {
    const state = this.state.get();
    if (found.length === 0) {
      return;
    }
    const chosen = state.current === null ? found[0] : state.hits[state.current];
    const offsets = new Set(state.hits.map((hit) => hit.offset));
    const hits = [...state.hits, ...found.filter((hit) => !offsets.has(hit.offset))]
      .sort((one, other) => one.offset - other.offset)
      .slice(0, MAX_HITS);
    const current = hits.findIndex((hit) => hit.offset === chosen?.offset);
    this.state.set({ ...state, hits, current: current < 0 ? null : current });
    if (state.current === null && chosen !== undefined) this.#onCurrent(chosen);
    if (hits.length >= MAX_HITS) throw new TooManyHits();
  }

  #update(abort: AbortController, change: Partial<SearchState>): void {
    if (this.#abort === abort) this.state.set({ ...this.state.get(), ...change });
  }
}

/** `[from, to)`, or to the end; `before`: how much was looked through before it. */
interface Part {
  readonly from: number;
  readonly to: number | null;
  readonly before: number;
}

class TooManyHits extends Error {}
