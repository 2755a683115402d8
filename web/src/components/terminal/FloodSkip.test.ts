import { beforeEach, expect, test } from 'vitest';
import { FloodSkip, skipLimits } from './FloodSkip';

const LIMITS = { behindBytes: 100, stillBehindBytes: 20, tailBytes: 10, restSeconds: 0.1 };

let behind: number;
let maySkip: boolean;
let done: string[];
let passTime: () => void;
let drawFrame: () => void;
let flood: FloodSkip;

function calledOff(name: string): () => void {
  return () => done.push(`no ${name}`);
}

beforeEach(() => {
  behind = 0;
  maySkip = true;
  done = [];
  const window = {
    get maySkip() {
      return maySkip;
    },
    skip: (tail: number) => done.push(`skip to ${tail}`),
    goOn: () => done.push('go on'),
  };
  flood = new FloodSkip(window, LIMITS, {
    behind: () => behind,
    schedule: (seconds, callback) => {
      expect(seconds).toBe(LIMITS.restSeconds);
      passTime = callback;
      return calledOff('time');
    },
    afterFrame: (callback) => {
      drawFrame = callback;
      return calledOff('frame');
    },
  });
});

test('what can be drawn soon is', () => {
  behind = LIMITS.behindBytes;
  flood.check();
  expect(done).toEqual([]);
});

test('skips once, and looks again when it was seen and time has passed, in either order', () => {
  behind = LIMITS.behindBytes + 1;
  flood.check();
  flood.check();
  expect(done).toEqual(['skip to 10']);
  drawFrame();
  flood.check();
  expect(done).toEqual(['skip to 10']);
  passTime();
  expect(done).toEqual(['skip to 10', 'skip to 10']);
  passTime();
  drawFrame();
  expect(done).toHaveLength(3);
});

test('while the flood lasts, less is enough to skip again', () => {
  behind = LIMITS.behindBytes + 1;
  flood.check();
  behind = LIMITS.stillBehindBytes + 1;
  passTime();
  drawFrame();
  expect(done).toEqual(['skip to 10', 'skip to 10']);
});

test('goes on where the flood is over, and then only skips when it is far behind again', () => {
  behind = LIMITS.behindBytes + 1;
  flood.check();
  behind = LIMITS.stillBehindBytes;
  passTime();
  drawFrame();
  expect(done).toEqual(['skip to 10', 'go on']);
  behind = LIMITS.behindBytes;
  flood.check();
  expect(done).toHaveLength(2);
});

test('what is not there yet is not skipped again, but it may come', () => {
  behind = LIMITS.behindBytes + 1;
  flood.check();
  maySkip = false;
  passTime();
  drawFrame();
  expect(done).toEqual(['skip to 10', 'go on']);
  maySkip = true;
  behind = LIMITS.stillBehindBytes + 1;
  flood.check();
  expect(done).toEqual(['skip to 10', 'go on', 'skip to 10']);
});

test('closed, it waits for nothing', () => {
  behind = LIMITS.behindBytes + 1;
  flood.check();
  flood.close();
  expect(done).toEqual(['skip to 10', 'no time', 'no frame']);
});

test('of a log much more is drawn than of a terminal', () => {
  expect(skipLimits(true).behindBytes).toBeLessThan(skipLimits(false).behindBytes);
});
