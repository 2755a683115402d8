import { expect, test } from 'vitest';
import { ScreenReturn } from './ScreenReturn';

test('the screen is asked for once a flood has been over for a while, and only then', () => {
  let now = 0;
  let isDue = false;
  let asked = 0;
  const timers: (() => void)[] = [];
  const back = new ScreenReturn({
    now: () => now,
    schedule: (_seconds, callback) => {
      timers.push(callback);
      return () => {};
    },
    isDue: () => isDue,
    goOn: () => {
      asked += 1;
      isDue = false;
    },
  });
  back.check();
  isDue = true;
  back.skipped();
  back.check();
  back.check();
  expect([asked, timers.length]).toEqual([0, 1]);
  now = 0.5;
  back.skipped();
  now = 1;
  timers.shift()?.();
  expect([asked, timers.length]).toEqual([0, 1]);
  now = 2;
  timers.shift()?.();
  back.check();
  expect([asked, timers.length]).toEqual([1, 0]);
});
