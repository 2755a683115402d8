import { expect, test } from 'vitest';
import { Announcer } from './announcer';

const live = (row: number, ...tail: string[]) => ({ row, tail, isLive: true });

test('what was there before is not said, what is new is, once', () => {
  const announcer = new Announcer();
  expect(announcer.next({ ...live(50, 'old'), isLive: false })).toBeNull();
  expect(announcer.next(live(60, 'old'))).toBeNull();
  expect(announcer.next(live(61, 'old', 'new'))).toBe('new');
  expect(announcer.next(live(70, 'a', 'b', 'c', 'd'))).toBe('6 more lines, then: b\nc\nd');
});

test('nothing is said of a place that is looked at, nor when rows begin anew', () => {
  const announcer = new Announcer();
  announcer.next(live(50, 'a'));
  expect(announcer.next({ ...live(70, 'b'), isLive: false })).toBeNull();
  expect(announcer.next(live(70, 'b'))).toBeNull();
  expect(announcer.next(live(3, 'c'))).toBeNull();
  expect(announcer.next(live(4, 'd'))).toBe('d');
});

test('however much is new, what is said is short', () => {
  const announcer = new Announcer();
  announcer.next(live(0));
  const said = announcer.next(live(1_000_000, ...Array(10).fill('x'.repeat(10_000)))) ?? '';
  expect(said.startsWith('999997 more lines, then: xxx')).toBe(true);
  expect(said.length).toBeLessThan(500);
});
