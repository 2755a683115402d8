import fc from 'fast-check';
import { beforeEach, expect, test } from 'vitest';
import type { ErrorMessage, ViewerInput } from '../protocol/messages';
import { INPUT_AHEAD_BYTES, INPUT_KEPT_BYTES, InputSender } from './inputSender';

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const WHERE = { type: 'input', taskId: 'tsk_1', offset: Number.MAX_SAFE_INTEGER };

let sender: InputSender;

beforeEach(() => {
  sender = new InputSender('tsk_1');
});

function type(text: string): boolean {
  return sender.type(encoder.encode(text));
}

function ends(want: number): void {
  sender.refused({ type: 'error', code: 'offset_out_of_order', message: '', want }, 0);
}

function sentText(): string {
  return sender.toSend().map(textOf).join('');
}

function textOf({ input, offset }: ViewerInput): string {
  return offset === undefined ? decoder.decode(input) : `?${offset}`;
}

function ready(end = 0): void {
  sender.connected();
  sender.toSend();
  ends(end);
}

test('asks where the input ends before it sends any', () => {
  type('ls\n');
  expect(sender.toSend()).toEqual([]);
  sender.connected();
  expect(sender.toSend()).toEqual([WHERE]);
  expect(sender.toSend()).toEqual([]);
  ends(7);
  expect(sentText()).toBe('ls\n');
});

test('sends each key at once, without waiting for the one before', () => {
  ready();
  type('a');
  expect(sentText()).toBe('a');
  type('b');
  expect(sentText()).toBe('b');
});

test('sends again what the hub does not have, and nothing else', () => {
  ready(100);
  type('abcdef');
  sentText();
  sender.acknowledged(102);
  sender.disconnected();
  type('gh');
  sender.connected();
  expect(sender.toSend()).toEqual([WHERE]);
  ends(104);
  expect(sentText()).toBe('efgh');
  expect(sender.uncertain).toBeNull();
});

test('says what may be lost when somebody else typed in between', () => {
  ready(0);
  type('abc');
  sentText();
  sender.disconnected();
  type('d');
  sender.connected();
  sender.toSend();
  ends(9);
  expect(sender.uncertain).toBe(3);
  expect(sentText()).toBe('d');
});

test('counts on from what others have typed', () => {
  ready(0);
  sender.acknowledged(50);
  type('abc');
  sentText();
  sender.disconnected();
  sender.connected();
  sender.toSend();
  ends(50);
  expect(sentText()).toBe('abc');
});

test('asks again later when the hub cannot say', () => {
  sender.connected();
  sender.toSend();
  type('x');
  sender.refused({ type: 'error', code: 'input_not_ready', message: '' }, 5);
  expect(sender.toSend()).toEqual([]);
  expect(sender.nextDeadline()).toBe(6);
  sender.onDeadline(6);
  expect(sender.toSend()).toEqual([WHERE]);
  ends(0);
  expect(sentText()).toBe('x');
});

test('a hub that says by itself where the input ends is never asked', () => {
  sender.connected(true);
  type('x');
  expect(sender.toSend()).toEqual([]);
  sender.refused({ type: 'error', code: 'input_not_ready', message: '' }, 5);
  expect(sender.nextDeadline()).toBeNull();
  sender.ends(3);
  expect(sentText()).toBe('x');
});

test('what a full window did not take is sent again when the hub says, without asking', () => {
  sender.connected(true);
  sender.ends(0);
  type('abc');
  expect(sentText()).toBe('abc');
  const full = { type: 'error', code: 'input_window_full', message: '', want: 0, retryAfter: 2 };
  sender.refused(full as ErrorMessage, 5);
  sender.ends(0);
  expect(sender.toSend()).toEqual([]);
  expect(sender.nextDeadline()).toBe(7);
  sender.onDeadline(7);
  expect(sentText()).toBe('abc');
});

test('frames are as large as the hub takes', () => {
  sender.connected(true, 4);
  sender.ends(0);
  type('abcdefghij');
  expect(sender.toSend().map(({ input }) => input?.length)).toEqual([4, 4, 2]);
});

test('waits for a command that does not read', () => {
  ready();
  sender.type(new Uint8Array(INPUT_AHEAD_BYTES + 10));
  expect(sender.toSend()[0]?.input?.length).toBe(INPUT_AHEAD_BYTES);
  expect(sender.toSend()).toEqual([]);
  sender.acknowledged(INPUT_AHEAD_BYTES);
  expect(sender.toSend()[0]?.input?.length).toBe(10);
});

test('takes no more than it can keep', () => {
  expect(sender.type(new Uint8Array(INPUT_KEPT_BYTES))).toBe(true);
  expect(type('x')).toBe(false);
  expect(sender.waiting).toBe(INPUT_KEPT_BYTES);
});

test('takes nothing once the input is closed', () => {
  ready();
  sender.refused({ type: 'error', code: 'task_over', message: 'It is over.' }, 0);
  expect(sender.state).toEqual({ kind: 'closed', reason: 'It is over.' });
  expect(type('x')).toBe(false);
  expect(sender.toSend()).toEqual([]);
});

/** The hub's relay and the command behind it, as far as this viewer can tell. */
class ModelHub {
  input = '';
  taken = 0;

  answer(sender: InputSender, message: ViewerInput): void {
    if (message.offset === undefined) {
      this.input += decoder.decode(message.input);
    } else {
      const want = this.input.length;
      sender.refused({ type: 'error', code: 'offset_out_of_order', message: '', want }, 0);
    }
  }
}

type Step = { do: 'type'; text: string } | { do: 'send' | 'take' | 'cut' | 'crash' };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant('type' as const), text: fc.constantFrom('a', 'bc', 'def') }),
  fc.record({ do: fc.constantFrom('send' as const, 'take' as const, 'take' as const) }),
  fc.record({ do: fc.constantFrom('cut' as const, 'crash' as const) }),
);

test('one who types alone has every byte arrive once, in order, over cuts and crashes', () => {
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 80 }),
      fc.infiniteStream(fc.boolean()),
      (steps, luck) => {
        const hub = new ModelHub();
        const typist = new InputSender('tsk_1');
        let typed = '';
        const flush = (arrives: () => boolean) => {
          for (let round = 0; round < 3; round += 1) {
            for (const message of typist.toSend()) if (arrives()) hub.answer(typist, message);
          }
        };
        const reconnect = () => {
          typist.disconnected();
          typist.connected();
        };
        typist.connected();
        for (const each of steps) {
          if (each.do === 'type') {
            typed += each.text;
            typist.type(encoder.encode(each.text));
          } else if (each.do === 'send') {
            flush(() => true);
          } else if (each.do === 'take') {
            hub.taken = hub.input.length;
            typist.acknowledged(hub.taken);
          } else {
            // What is on its way may arrive or not; a hub that crashes forgets what was not taken.
            let isCut = false;
            flush(() => {
              isCut ||= luck.next().value;
              return !isCut;
            });
            if (each.do === 'crash') hub.input = hub.input.slice(0, hub.taken);
            reconnect();
          }
          expect(typed.startsWith(hub.input)).toBe(true);
        }
        reconnect();
        flush(() => true);
        expect(hub.input).toBe(typed);
        expect(typist.uncertain).toBeNull();
      },
    ),
    { numRuns: 500 },
  );
});
