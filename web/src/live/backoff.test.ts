import { expect, test } from 'vitest';
import { Backoff } from './backoff';

test('reconnects at once, then within a ceiling that doubles from 0.5 s up to 30 s', () => {
  const backoff = new Backoff(() => 1);
  const ceilings = Array.from({ length: 10 }, () => backoff.nextDelay());
  expect(ceilings).toEqual([0, 0.5, 1, 2, 4, 8, 16, 30, 30, 30]);
});

test('the jitter is full', () => {
  const backoff = new Backoff(() => 0);
  expect([backoff.nextDelay(), backoff.nextDelay(), backoff.nextDelay()]).toEqual([0, 0, 0]);
});

test('a success starts anew', () => {
  const backoff = new Backoff(() => 1);
  backoff.nextDelay();
  backoff.nextDelay();
  backoff.succeeded();
  expect(backoff.nextDelay()).toBe(0);
});

test('waits at least as long as the hub asks for', () => {
  const backoff = new Backoff(() => 0.5);
  expect(backoff.nextDelay(2)).toBe(3);
});

test('years of failures do not overflow', () => {
  const backoff = new Backoff(() => 1);
  for (let failures = 0; failures < 5000; failures += 1) backoff.nextDelay();
  expect(backoff.nextDelay()).toBe(30);
});

test('a hub that asks for no time at all is not besieged', () => {
  const backoff = new Backoff(() => 1);
  expect([0, 0, 0, 0].map((hint) => backoff.nextDelay(hint))).toEqual([0, 0.5, 1, 2]);
});

test('a long wait is not doubled', () => {
  const backoff = new Backoff(() => 1);
  expect(backoff.nextDelay(1000)).toBe(1030);
});
