import fc from 'fast-check';
import { expect, test } from 'vitest';
import { findStderr, OutputMap, type Segment } from './segments';

function segment(offset: number, length: number, isError: boolean): Segment {
  return { offset, length, isError, time: 0 };
}

test('joins what follows one another', () => {
  const map = new OutputMap();
  map.add(0, 10, 'stderr');
  map.add(10, 20, 'stderr');
  map.add(20, 30, 'gap');
  map.add(40, 50, 'stderr');
  expect(map.stretches).toEqual([
    { from: 0, to: 20, kind: 'stderr' },
    { from: 20, to: 30, kind: 'gap' },
    { from: 40, to: 50, kind: 'stderr' },
  ]);
});

test('takes the account of the hub, and keeps what came later', () => {
  const map = new OutputMap();
  map.add(5, 6, 'stderr');
  map.add(100, 110, 'stderr');
  map.load([segment(0, 10, false), segment(10, 5, true), { from: 15, to: 90, reason: 'lost' }], 90);
  expect(map.stretches).toEqual([
    { from: 10, to: 15, kind: 'stderr' },
    { from: 15, to: 90, kind: 'gap' },
    { from: 100, to: 110, kind: 'stderr' },
  ]);
});

test('seen twice is there once', () => {
  const map = new OutputMap();
  map.add(100, 110, 'stderr');
  map.add(20, 30, 'stderr');
  map.add(20, 30, 'stderr');
  map.add(25, 35, 'stderr');
  expect(map.stretches).toEqual([
    { from: 20, to: 35, kind: 'stderr' },
    { from: 100, to: 110, kind: 'stderr' },
  ]);
});

test('is bounded, in order, and leaves no stretch without a mark near it', () => {
  const map = new OutputMap();
  for (let at = 0; at < 60_000; at += 1) map.add(at * 10, at * 10 + 1, 'stderr');
  const { stretches } = map;
  expect(stretches.length).toBeLessThanOrEqual(4_001);
  expect(stretches.every(({ from, to }, at) => from < to && from >= (stretches[at - 1]?.to ?? 0)));
  expect(stretches[0]?.from).toBe(0);
  expect(stretches.at(-1)?.to).toBe(599_991);
});

/** The hub's thinning, in small: at most two thousand, neighbours joined, an error if any is. */
function hub(errors: readonly number[], size: number) {
  return async (from: number, to: number): Promise<Segment[]> => {
    const span = Math.max(1, Math.ceil((Math.min(to, size) - from) / 2_000));
    const segments: Segment[] = [];
    for (let at = from; at < Math.min(to, size); at += span) {
      const end = Math.min(at + span, to, size);
      segments.push(
        segment(
          at,
          end - at,
          errors.some((error) => error >= at && error < end),
        ),
      );
    }
    return segments;
  };
}

test('finds the first byte of stderr, however coarse the hub answers', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.nat(4_000_000), { maxLength: 5 }),
      fc.nat(4_000_000),
      async (errors, from) => {
        const size = 4_000_001;
        const found = await findStderr(hub(errors, size), from, size);
        const first = errors.filter((at) => at >= from).sort((one, other) => one - other)[0];
        expect(found?.from).toBe(first);
      },
    ),
    { numRuns: 30 },
  );
});
