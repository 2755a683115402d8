import { expect, test } from 'vitest';
import { HeartbeatMachine } from './heartbeat';

test('answers a probe with its time, and does not answer an answer', () => {
  const heartbeat = new HeartbeatMachine(0);
  expect(heartbeat.receive({ type: 'heartbeat', sentAt: 42 }, 1)).toEqual({
    type: 'heartbeat',
    sentAt: 1_000_000,
    echo: 42,
  });
  expect(heartbeat.receive({ type: 'heartbeat', sentAt: 43, echo: 0 }, 1)).toBeNull();
});

test('a probe of time 0 is answered too', () => {
  const heartbeat = new HeartbeatMachine(0);
  expect(heartbeat.receive({ type: 'heartbeat', sentAt: 0 }, 1)).toMatchObject({ echo: 0 });
});

test('probes every 5 s and measures the round trip', () => {
  const heartbeat = new HeartbeatMachine(100);
  expect(heartbeat.nextDeadline()).toBe(101);
  expect(heartbeat.onDeadline(100.5)).toBeNull();
  expect(heartbeat.onDeadline(101)).toEqual({ type: 'heartbeat', sentAt: 101_000_000 });
  heartbeat.receive({ type: 'heartbeat', sentAt: 1, echo: 101_000_000 }, 101.25);
  expect(heartbeat.roundTrip).toBeCloseTo(0.25);
  expect(heartbeat.nextDeadline()).toBe(106);
});

test('the hub is dead when nothing has arrived for 15 s and a probe is unanswered', () => {
  const heartbeat = new HeartbeatMachine(0);
  for (const now of [1, 6, 11]) {
    expect(heartbeat.onDeadline(now)).toMatchObject({ type: 'heartbeat' });
  }
  expect(heartbeat.nextDeadline()).toBe(15);
  expect(heartbeat.onDeadline(15)).toBe('dead');
});

test('whatever arrives puts the verdict off', () => {
  const heartbeat = new HeartbeatMachine(0);
  for (const now of [1, 6, 11]) heartbeat.onDeadline(now);
  heartbeat.heard(12);
  for (const now of [16, 21, 26]) {
    expect(heartbeat.onDeadline(now)).toMatchObject({ type: 'heartbeat' });
  }
  expect(heartbeat.onDeadline(27)).toBe('dead');
});

test('the silence of a hub we did not listen to proves nothing', () => {
  const heartbeat = new HeartbeatMachine(0);
  heartbeat.onDeadline(1);
  expect(heartbeat.onDeadline(3600)).toMatchObject({ type: 'heartbeat' });
  expect(heartbeat.nextDeadline()).toBe(3605);
});

test('an echo of nothing we sent is no round trip', () => {
  const heartbeat = new HeartbeatMachine(0);
  heartbeat.receive({ type: 'heartbeat', sentAt: 1, echo: 99_000_000 }, 1);
  expect(heartbeat.roundTrip).toBeNull();
});

test('in doubt a hub that answers nothing is dead at once, and one that answers is not', () => {
  const heartbeat = new HeartbeatMachine(0);
  expect(heartbeat.doubt(10)).toMatchObject({ type: 'heartbeat' });
  expect(heartbeat.doubt(10.1)).toBeNull();
  expect(heartbeat.nextDeadline()).toBeLessThanOrEqual(11);
  expect(heartbeat.onDeadline(11)).toBe('dead');

  const answering = new HeartbeatMachine(10);
  answering.onDeadline(11);
  answering.doubt(12);
  answering.heard(12.5);
  expect(answering.onDeadline(17)).toMatchObject({ type: 'heartbeat' });
});

test('a far hub has the time of a few round trips', () => {
  const heartbeat = new HeartbeatMachine(0);
  heartbeat.receive({ type: 'heartbeat', sentAt: 1, echo: 1_000_000 }, 2);
  expect(heartbeat.roundTrip).toBe(1);
  heartbeat.onDeadline(2.1);
  heartbeat.doubt(3);
  expect(heartbeat.nextDeadline()).toBe(7);
  expect(heartbeat.onDeadline(7)).toBe('dead');
});
