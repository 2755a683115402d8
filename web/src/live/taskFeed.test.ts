import { beforeEach, expect, test } from 'vitest';
import type {
  Output,
  Screen,
  TaskStatusChanged,
  TerminalState,
  ViewerToHub,
} from '../protocol/messages';
import { type OutputSink, type Piece, TaskFeed, WINDOW_BYTES } from './taskFeed';

const KIB = 1024;

class RecordingSink implements OutputSink {
  text = '';
  readonly waiting: (() => void)[] = [];

  output({ offset, bytes, isError }: Piece, shown: (to: number) => void): void {
    const text = new TextDecoder().decode(bytes);
    this.text += isError ? `<${text}>` : text;
    this.waiting.push(() => shown(offset + bytes.length));
  }

  gap({ from, to, reason }: { from: number; to: number; reason: string }): void {
    this.text += `[${from}-${to} ${reason}]`;
  }

  restart(offset: number): void {
    this.text = `@${offset} `;
  }

  show(): void {
    for (const shown of this.waiting.splice(0)) shown();
  }
}

let sent: ViewerToHub[];
let timers: (() => void)[];
let sink: RecordingSink;

beforeEach(() => {
  sent = [];
  timers = [];
  sink = new RecordingSink();
});

/** A feed whose subscription the hub has answered. */
function feedAt(offset: number, size = 0): TaskFeed {
  const feed = new TaskFeed('tsk_1', offset, WINDOW_BYTES, sink, {
    send: (message) => sent.push(message),
    schedule: (_seconds, callback) => {
      timers.push(callback);
      return () => {};
    },
  });
  feed.subscribe();
  feed.changed(status(size));
  return feed;
}

function passTime(): void {
  for (const timer of timers.splice(0)) timer();
}

function output(offset: number, text: string, isError = false): Output {
  const bytes = new TextEncoder().encode(text);
  return { type: 'output', taskId: 'tsk_1', offset, isError, time: 0, output: bytes };
}

function status(outputSize: number): TaskStatusChanged {
  return { type: 'status', taskId: 'tsk_1', status: 'running', finalOffset: outputSize };
}

function subscribe(offset: number) {
  return { type: 'subscribe', taskId: 'tsk_1', offset, window: WINDOW_BYTES };
}

test('shows every byte once, and where it came from', () => {
  const feed = feedAt(0);
  feed.receive(output(0, 'one '));
  feed.receive(output(0, 'one two '));
  feed.receive(output(4, 'two '));
  feed.receive(output(8, 'oops', true));
  expect(sink.text).toBe('one two <oops>');
});

test('shows the part of a gap that is new', () => {
  const feed = feedAt(0);
  feed.receive(output(0, 'abc'));
  feed.receive({ type: 'gap', taskId: 'tsk_1', from: 1, to: 10, reason: 'spool_full' });
  feed.receive({ type: 'gap', taskId: 'tsk_1', from: 1, to: 10, reason: 'spool_full' });
  feed.receive(output(10, 'd'));
  expect(sink.text).toBe('abc[3-10 spool_full]d');
});

test('asks once for what is missing, and shows nothing out of order', () => {
  const feed = feedAt(0);
  feed.receive(output(0, 'abc'));
  feed.receive(output(5, 'f'));
  feed.receive(output(6, 'g'));
  expect(sent).toEqual([subscribe(3)]);
  feed.changed(status(9));
  feed.receive(output(3, 'defg'));
  expect(sink.text).toBe('abcdefg');
});

test('acknowledges only what is shown', () => {
  const feed = feedAt(0);
  feed.receive(output(0, 'x'.repeat(128 * KIB)));
  passTime();
  expect(sent).toEqual([]);
  sink.show();
  expect(sent).toEqual([{ type: 'ack', taskId: 'tsk_1', offset: 128 * KIB }]);
});

test('acknowledges a little output after a moment', () => {
  const feed = feedAt(0);
  feed.receive(output(0, 'x'));
  sink.show();
  expect(sent).toEqual([]);
  passTime();
  expect(sent).toEqual([{ type: 'ack', taskId: 'tsk_1', offset: 1 }]);
});

test('goes on at the very byte after a reconnect', () => {
  const feed = feedAt(0);
  feed.receive(output(0, 'abc'));
  expect(feed.subscribe()).toEqual(subscribe(3));
});

test('asks for the end without knowing where it is, and begins where it is told', () => {
  const feed = feedAt(-100, 5_000);
  expect(feed.subscribe().offset).toBe(-100);
  feed.changed(status(5_000));
  feed.receive(output(4_900, 'tail'));
  expect(sink.text).toBe('@4900 tail');
  expect(feed.subscribe().offset).toBe(4_904);
});

test('after a seek takes nothing of the place before', () => {
  const feed = feedAt(0);
  feed.receive(output(0, 'abc'));
  feed.seek(50);
  expect(sent).toEqual([subscribe(50)]);
  feed.receive(output(3, 'def'));
  feed.receive(output(50, 'of the old subscription'));
  feed.changed(status(100));
  feed.receive(output(50, 'new'));
  expect(sink.text).toBe('@50 new');
});

test('what was drawn of the place before acknowledges nothing of the new one', () => {
  const feed = feedAt(0);
  feed.receive(output(0, 'x'.repeat(512 * KIB)));
  feed.seek(10);
  feed.changed(status(100));
  sent = [];
  sink.show();
  passTime();
  expect(sent).toEqual([]);
});

test('keeps showing the old place until the tail has been found', () => {
  const feed = feedAt(0);
  feed.receive(output(0, 'abc'));
  feed.seek(-10);
  expect(sink.text).toBe('abc');
  feed.changed(status(1_000));
  feed.receive(output(990, '0123456789'));
  expect(sink.text).toBe('@990 0123456789');
});

test('knows what is live from what is replayed', () => {
  const feed = feedAt(0, 700);
  expect(feed.liveFrom).toBe(700);
  feed.subscribe();
  feed.changed(status(900));
  expect(feed.liveFrom).toBe(900);
  feed.changed(status(950));
  expect(feed.liveFrom).toBe(900);
  expect(feed.size).toBe(950);
});

test('says why the hub does not send it', () => {
  const feed = feedAt(0);
  feed.receive({ type: 'error', code: 'not_found', message: 'No such task.', ref: 'tsk_1' });
  passTime();
  expect(feed.progress.get().problem).toBe('No such task.');
});

test('counts anew when the hub has not sent what was acknowledged', () => {
  const feed = feedAt(0);
  feed.receive(output(0, 'abc'));
  feed.receive({ type: 'error', code: 'ack_beyond_sent', message: '', ref: 'tsk_1' });
  expect(sent).toEqual([subscribe(3)]);
});

test('goes to the end when it is asked for what is beyond it', () => {
  const feed = feedAt(1_000_000);
  feed.receive({ type: 'error', code: 'offset_beyond_end', message: '', ref: 'tsk_1', want: 5 });
  expect(sent).toEqual([subscribe(-WINDOW_BYTES)]);
});

/** A feed of a terminal whose subscription the hub has answered. */
function terminalAt(offset: number, size = 0, wantsScreen = true): { feed: TaskFeed } {
  const feed = new TaskFeed(
    'tsk_1',
    offset,
    WINDOW_BYTES,
    sink,
    { send: (message) => sent.push(message), schedule: () => () => {} },
    {
      onScreen: ({ offset: at }) => {
        sink.text = `#${at} `;
      },
      onTerminal: ({ cols, controls }) => {
        sink.text += `(${cols}${controls ? '!' : ''})`;
      },
      wantsScreen,
    },
  );
  sent.push(feed.subscribe());
  feed.changed(status(size));
  return { feed };
}

function screen(offset: number): Screen {
  const output = new TextEncoder().encode('painted');
  return { type: 'screen', taskId: 'tsk_1', offset, cols: 80, rows: 24, output };
}

function state(offset: number, cols: number, controls = false): TerminalState {
  return { type: 'terminal', taskId: 'tsk_1', offset, cols, rows: 24, controls };
}

test('a terminal is followed from its screen on, and acknowledged from there', () => {
  const { feed } = terminalAt(-100, 5_000);
  expect(sent[0]).toMatchObject({ offset: -100, terminal: true, resumes: false });
  feed.receive(screen(5_000));
  feed.receive(state(4_000, 80, true));
  feed.receive(output(5_000, 'after'));
  expect(sink.text).toBe('#5000 (80!)after');
  expect(feed.end).toBe(5_005);
  sink.show();
  feed.receive(output(5_005, 'x'.repeat(WINDOW_BYTES / 4)));
  sink.show();
  expect(sent.at(-1)).toEqual({
    type: 'ack',
    taskId: 'tsk_1',
    offset: 5_005 + WINDOW_BYTES / 4,
  });
});

test('a change of a terminal comes between the bytes that it belongs between', () => {
  const { feed } = terminalAt(-100, 10);
  feed.receive(screen(10));
  feed.receive(state(0, 80));
  feed.receive(state(12, 90));
  feed.receive(state(14, 100, true));
  feed.receive(output(10, 'abcdef'));
  expect(sink.text).toBe('#10 (80)ab(90)cd(100!)ef');
});

test('an older place is no terminal, and the end is one again', () => {
  const { feed } = terminalAt(-100, 10);
  feed.receive(screen(10));
  feed.seek(0);
  expect(sent.at(-1)).not.toHaveProperty('terminal');
  expect(feed.isAsTerminal).toBe(false);
  feed.changed(status(10));
  feed.receive(state(0, 80));
  feed.receive(output(0, 'abc'));
  expect(sink.text).toBe('@0 abc');
  feed.seek(-100);
  expect(sent.at(-1)).toMatchObject({ offset: -100, terminal: true });
  feed.seek(-100, false);
  expect(sent.at(-1)).not.toHaveProperty('terminal');
});

test('what was sent before the last answer is of another subscription', () => {
  const { feed } = terminalAt(-100, 10);
  feed.receive(screen(10));
  feed.seek(-100);
  feed.receive(screen(11));
  feed.receive(state(11, 90));
  expect(sink.text).toBe('#10 ');
  feed.changed(status(12));
  feed.receive(screen(12));
  expect(sink.text).toBe('#12 ');
});

test('a new connection goes on as a terminal, unless a place is held', () => {
  const { feed } = terminalAt(-100, 10);
  feed.receive(screen(10));
  expect(feed.subscribe()).toMatchObject({ offset: 10, terminal: true, resumes: true });
  const held = terminalAt(-100, 10, false);
  held.feed.receive(screen(10));
  expect(held.feed.subscribe()).not.toHaveProperty('terminal');
});
