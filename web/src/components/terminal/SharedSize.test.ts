import { beforeEach, expect, test } from 'vitest';
import type { TerminalSize } from '../../protocol/messages';
import { SharedSize } from './SharedSize';

const THEIRS = { cols: 78, rows: 20 };
const OURS = { cols: 136, rows: 33 };

let sent: { cols: number; rows: number; take: boolean }[];
let sizes: TerminalSize[];
let timers: (() => void)[];
let mayChange: boolean;

beforeEach(() => {
  sent = [];
  sizes = [];
  timers = [];
  mayChange = true;
});

function shared(takes = false): SharedSize {
  return new SharedSize({
    size: THEIRS,
    takes,
    mayChange: () => mayChange,
    send: (size, take) => sent.push({ ...size, take }),
    schedule: (_seconds, callback) => {
      timers.push(callback);
      return () => {
        timers = timers.filter((timer) => timer !== callback);
      };
    },
    onSize: (size) => sizes.push(size),
    onControl: () => {},
  });
}

function passTime(): void {
  for (const timer of timers.splice(0)) timer();
}

test('opening a window and giving it another size only wishes', () => {
  const size = shared();
  size.fit(OURS);
  passTime();
  expect(sent).toEqual([]);
  size.changed(THEIRS, false);
  expect(sent).toEqual([{ ...OURS, take: false }]);
  size.fit({ cols: 100, rows: 30 });
  size.fit({ cols: 90, rows: 30 });
  passTime();
  expect(sent.slice(1)).toEqual([{ cols: 90, rows: 30, take: false }]);
  expect(size.size).toEqual(THEIRS);
  expect(sizes).toEqual([]);
});

test('the terminal is elsewhere until it is controlled here, or as large', () => {
  const size = shared();
  expect(size.isElsewhere).toBe(false);
  size.fit(OURS);
  size.changed(THEIRS, false);
  expect(size.isElsewhere).toBe(true);
  size.changed(THEIRS, true);
  expect(size.isElsewhere).toBe(false);
  size.changed(OURS, false);
  expect(size.isElsewhere).toBe(false);
  expect(sizes).toEqual([OURS]);
});

test('use this size takes it, once', () => {
  const size = shared();
  size.fit(OURS);
  size.changed(THEIRS, false);
  size.take();
  size.changed(OURS, true);
  expect(sent).toEqual([
    { ...OURS, take: false },
    { ...OURS, take: true },
  ]);
});

test('what was started from here takes it as soon as it is there', () => {
  const size = shared(true);
  size.fit(OURS);
  size.changed({ cols: 80, rows: 24 }, false);
  expect(sent).toEqual([{ ...OURS, take: true }]);
});

test('a new connection is told anew, and controls nothing until the hub says so', () => {
  const size = shared();
  size.fit(OURS);
  size.changed(OURS, true);
  size.left();
  expect(size.controls).toBe(false);
  size.changed(OURS, false);
  expect(sent.length).toBe(2);
});

test('one that may only look wishes for nothing', () => {
  mayChange = false;
  const size = shared();
  size.fit(OURS);
  size.changed(THEIRS, false);
  passTime();
  expect(sent).toEqual([]);
});
