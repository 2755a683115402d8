import { beforeEach, expect, test } from 'vitest';
import type { Output, ViewerToHub } from '../protocol/messages';
import { type Screen, TAIL_BYTES, TaskFeed, WINDOW_BYTES } from './taskFeed';

const KIB = 1024;

class RecordingScreen implements Screen {
  text = '';
  readonly waiting: (() => void)[] = [];

  output(bytes: Uint8Array, isError: boolean, rendered: () => void): void {
    const text = new TextDecoder().decode(bytes);
    this.text += isError ? `<${text}>` : text;
    this.waiting.push(rendered);
  }

  gap(from: number, to: number, reason: string): void {
    this.text += `[${from}-${to} ${reason}]`;
  }

  render(): void {
    for (const rendered of this.waiting.splice(0)) rendered();
  }
}

let sent: ViewerToHub[];
let timers: (() => void)[];
let screen: RecordingScreen;

beforeEach(() => {
  sent = [];
  timers = [];
  screen = new RecordingScreen();
});

function feedOf(size = 0): TaskFeed {
  return new TaskFeed('tsk_1', size, screen, {
    send: (message) => sent.push(message),
    schedule: (_seconds, callback) => {
      timers.push(callback);
      return () => {};
    },
  });
}

function passTime(): void {
  for (const timer of timers.splice(0)) timer();
}

function output(offset: number, text: string, isError = false): Output {
  const bytes = new TextEncoder().encode(text);
  return { type: 'output', taskId: 'tsk_1', offset, isError, time: 0, output: bytes };
}

test('shows every byte once, and where it came from', () => {
  const feed = feedOf();
  feed.receive(output(0, 'one '));
  feed.receive(output(0, 'one two '));
  feed.receive(output(4, 'two '));
  feed.receive(output(8, 'oops', true));
  expect(screen.text).toBe('one two <oops>');
});

test('shows the part of a gap that is new', () => {
  const feed = feedOf();
  feed.receive(output(0, 'abc'));
  feed.receive({ type: 'gap', taskId: 'tsk_1', from: 1, to: 10, reason: 'spool_full' });
  feed.receive({ type: 'gap', taskId: 'tsk_1', from: 1, to: 10, reason: 'spool_full' });
  feed.receive(output(10, 'd'));
  expect(screen.text).toBe('abc[3-10 spool_full]d');
});

test('asks once for what is missing, and shows nothing out of order', () => {
  const feed = feedOf();
  feed.receive(output(0, 'abc'));
  feed.receive(output(5, 'f'));
  feed.receive(output(6, 'g'));
  expect(sent).toEqual([{ type: 'subscribe', taskId: 'tsk_1', offset: 3, window: WINDOW_BYTES }]);
  feed.receive(output(3, 'defg'));
  expect(screen.text).toBe('abcdefg');
});

test('acknowledges only what is rendered', () => {
  const feed = feedOf();
  feed.receive(output(0, 'x'.repeat(64 * KIB)));
  passTime();
  expect(sent).toEqual([]);
  screen.render();
  expect(sent).toEqual([{ type: 'ack', taskId: 'tsk_1', offset: 64 * KIB }]);
});

test('acknowledges a little output after a moment', () => {
  const feed = feedOf();
  feed.receive(output(0, 'x'));
  screen.render();
  expect(sent).toEqual([]);
  passTime();
  expect(sent).toEqual([{ type: 'ack', taskId: 'tsk_1', offset: 1 }]);
});

test('goes on at the very byte after a reconnect', () => {
  const feed = feedOf();
  feed.receive(output(0, 'abc'));
  expect(feed.subscribe().offset).toBe(3);
});

test('begins shortly before the end of a long output', () => {
  const feed = feedOf(TAIL_BYTES + 7);
  expect(feed.subscribe().offset).toBe(7);
  expect(feed.progress.get()).toEqual({ start: 7, end: 7, problem: null });
});

test('says why the hub does not send it', () => {
  const feed = feedOf();
  feed.receive({ type: 'error', code: 'not_found', message: 'No such task.', ref: 'tsk_1' });
  passTime();
  expect(feed.progress.get().problem).toBe('No such task.');
});
