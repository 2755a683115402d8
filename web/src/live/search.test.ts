import { expect, test } from 'vitest';
import type { SearchHit, SearchPage } from '../protocol/messages';
import { MAX_HITS, OutputSearch, type SearchQuery } from './search';

const PLAIN = { regex: false, case: false };

function hit(offset: number): SearchHit {
  return { offset, length: 1, line: 1, text: 'x', column: 0, width: 1 };
}

/** Answers with the hits of a log that is `end` long, two at a time. */
function hub(offsets: readonly number[], end = 1_000) {
  const asked: SearchQuery[] = [];
  const fetch = async (query: SearchQuery): Promise<SearchPage> => {
    asked.push(query);
    const from = query.cursor === null ? query.from : Number(query.cursor);
    const found = offsets.filter((at) => at >= from && at < (query.to ?? end));
    const items = found.slice(0, 2).map(hit);
    const isMore = found.length > 2;
    const searchedTo = isMore ? (items.at(-1)?.offset ?? 0) + 1 : (query.to ?? end);
    return { items, nextCursor: isMore ? String(searchedTo) : null, searchedTo, end };
  };
  return { asked, fetch };
}

function searchOf(fetch: ConstructorParameters<typeof OutputSearch>[0]) {
  const shown: number[] = [];
  return { shown, search: new OutputSearch(fetch, ({ offset }) => shown.push(offset)) };
}

test('looks from where one is to the end, and then from the start', async () => {
  const { asked, fetch } = hub([10, 20, 30, 500, 600, 700]);
  const { search, shown } = searchOf(fetch);
  await search.start('x', PLAIN, 400);
  expect(asked.map(({ from, to }) => [from, to])).toEqual([
    [400, null],
    [400, null],
    [0, 400],
    [0, 400],
  ]);
  const { hits, current, state, searched, total } = search.state.get();
  expect(hits.map(({ offset }) => offset)).toEqual([10, 20, 30, 500, 600, 700]);
  expect(hits[current ?? -1]?.offset).toBe(500);
  expect({ state, searched, total }).toEqual({ state: 'done', searched: 1_000, total: 1_000 });
  expect(shown).toEqual([500]);
});

test('the current hit stays the same one while others are found before it', async () => {
  const { fetch } = hub([10, 500]);
  const { search } = searchOf(fetch);
  await search.start('x', PLAIN, 400);
  expect(search.state.get().current).toBe(1);
});

test('goes from hit to hit, and round', async () => {
  const { fetch } = hub([10, 20, 30]);
  const { search, shown } = searchOf(fetch);
  await search.start('x', PLAIN, 0);
  search.next();
  search.next();
  search.next();
  search.previous();
  expect(shown).toEqual([10, 20, 30, 10, 30]);
});

test('says how far it is', async () => {
  const { fetch } = hub([100, 200, 300, 400]);
  const progress: number[] = [];
  const { search } = searchOf(fetch);
  search.state.subscribe(() => progress.push(search.state.get().searched));
  await search.start('x', PLAIN, 50);
  expect(progress).toContain(151);
  expect(progress.every((at, index) => index < 2 || at >= (progress[index - 1] ?? 0))).toBe(true);
});

test('stops at so many hits as nobody looks through', async () => {
  const many = Array.from({ length: MAX_HITS + 10 }, (_, index) => index);
  const { search } = searchOf(async () => ({
    items: many.map(hit),
    nextCursor: 'more',
    searchedTo: 10,
    end: 100_000,
  }));
  await search.start('x', PLAIN, 0);
  expect(search.state.get().state).toBe('full');
  expect(search.state.get().hits.length).toBe(MAX_HITS);
});

test('what was searched for before changes nothing', async () => {
  let answerFirst: (page: SearchPage) => void = () => {};
  const fetch = (query: SearchQuery): Promise<SearchPage> =>
    query.q === 'first'
      ? new Promise((resolve) => {
          answerFirst = resolve;
        })
      : Promise.resolve({ items: [hit(7)], nextCursor: null, searchedTo: 9, end: 9 });
  const { search, shown } = searchOf(fetch);
  const first = search.start('first', PLAIN, 0);
  await search.start('second', PLAIN, 0);
  answerFirst({ items: [hit(1)], nextCursor: null, searchedTo: 9, end: 9 });
  await first;
  expect(search.state.get().query).toBe('second');
  expect(shown).toEqual([7]);
});

test('says why it failed', async () => {
  const { search } = searchOf(() => Promise.reject(new Error('( is not closed')));
  await search.start('(', { regex: true, case: false }, 0);
  expect(search.state.get()).toMatchObject({ state: 'failed', problem: '( is not closed' });
});

test('an empty query ends the search', async () => {
  const { fetch, asked } = hub([1]);
  const { search } = searchOf(fetch);
  await search.start('', PLAIN, 0);
  expect(asked).toEqual([]);
  expect(search.state.get().state).toBe('idle');
});
