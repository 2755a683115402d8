import { expect, test } from 'vitest';
import { ReceiveStream } from './receiveStream';

test('takes what comes next', () => {
  const stream = new ReceiveStream(0);
  expect(stream.receive(0, 5)).toEqual({ kind: 'new', from: 0, skip: 0 });
  expect(stream.receive(5, 9)).toEqual({ kind: 'new', from: 5, skip: 0 });
  expect(stream.end).toBe(9);
});

test('skips the part that is known', () => {
  const stream = new ReceiveStream(10);
  expect(stream.receive(4, 16)).toEqual({ kind: 'new', from: 10, skip: 6 });
  expect(stream.end).toBe(16);
});

test('drops a repeat', () => {
  const stream = new ReceiveStream(10);
  expect(stream.receive(0, 10)).toEqual({ kind: 'known' });
  expect(stream.receive(10, 10)).toEqual({ kind: 'known' });
  expect(stream.end).toBe(10);
});

test('changes nothing when bytes are missing before', () => {
  const stream = new ReceiveStream(10);
  expect(stream.receive(11, 20)).toEqual({ kind: 'missing' });
  expect(stream.end).toBe(10);
});

test('any chunking with any repeats gives the same bytes', () => {
  const log = Array.from({ length: 200 }, (_, index) => index);
  let seed = 7;
  const random = (below: number) => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed % below;
  };
  const stream = new ReceiveStream(0);
  const shown: number[] = [];
  while (shown.length < log.length) {
    const from = random(Math.min(log.length, stream.end + 3));
    const to = Math.min(log.length, from + 1 + random(20));
    const received = stream.receive(from, to);
    if (received.kind === 'new') shown.push(...log.slice(from, to).slice(received.skip));
    expect(shown.length).toBe(stream.end);
  }
  expect(shown).toEqual(log);
});
