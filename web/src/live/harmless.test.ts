import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ControlStrings, MAX_STRING_BYTES } from './controlStrings';
import { DrawPace } from './drawPace';
import { FirstLine } from './firstLine';
import { MAX_MARKS, MarkLimit } from './markLimit';
import { plainText } from './plainText';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

function inParts(text: string, partBytes: number): Uint8Array[] {
  const bytes = encoder.encode(text);
  const parts: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += partBytes)
    parts.push(bytes.subarray(at, at + partBytes));
  return parts;
}

function shortened(text: string, partBytes: number): string {
  const strings = new ControlStrings();
  const parts = inParts(text, partBytes).map((part) => strings.shorten(part));
  return decoder.decode(Uint8Array.from(parts.flatMap((part) => Array.from(part))));
}

test.each(['\x1b]0;', '\x1bP', '\x1b_', '\x1b^', '\x1bX'])(
  'a string that begins with %j keeps its ends and loses what is too much',
  (start) => {
    const long = 'x'.repeat(3 * MAX_STRING_BYTES);
    for (const end of ['\x07', '\x1b\\', '\x18']) {
      const kept = shortened(`before${start}${long}${end}after`, 10_000);
      expect(kept.startsWith(`before${start}xxx`)).toBe(true);
      expect(kept.endsWith(`x${end}after`)).toBe(true);
      expect(kept.length).toBeLessThan(MAX_STRING_BYTES + 100);
    }
  },
);

const token = fc.constantFrom('text', '\n', '\x1b', '\x1b[31m', '\x1b]2;title\x07', '\x1bPq', '\\');

test('what is short stays as it is, byte by byte, in any parts', () => {
  fc.assert(
    fc.property(fc.array(token), fc.integer({ min: 1, max: 20 }), (tokens, partBytes) => {
      expect(shortened(tokens.join(''), partBytes)).toBe(tokens.join(''));
    }),
  );
});

function limited(text: string, partBytes = 1_000): string {
  const marks = new MarkLimit();
  const parts = inParts(text, partBytes).map((part) => marks.limit(part));
  return decoder.decode(Uint8Array.from(parts.flatMap((part) => Array.from(part))));
}

test('a million marks on one character become a few', () => {
  expect(limited(`e${'\u0301'.repeat(1_000_000)}x`, 3_000_000)).toBe(
    `e${'\u0301'.repeat(MAX_MARKS)}x`,
  );
});

test('writing stays as it is', () => {
  const writing = 'é ạ̊ שָׁלוֹם हिन्दी ไทย 👩🏽‍❤️‍💋‍👨🏾 🏴󠁧󠁢󠁥󠁮󠁧󠁿 日本語';
  expect(limited(writing)).toBe(writing);
});

test('bytes that are no UTF-8 stay as they are', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
      fc.pre(!/[\p{M}\p{Cf}]/u.test(text));
      expect(new MarkLimit().limit(bytes)).toEqual(bytes);
    }),
  );
});

test('of too many lines only the last are left', () => {
  const bytes = encoder.encode('one\ntwo\nthree\nfour\nfi');
  const whole = new FirstLine(100, 2).align({ offset: 7, bytes, isError: false, time: 0 });
  expect(decoder.decode(whole?.bytes)).toBe('three\nfour\nfi');
  expect(whole?.offset).toBe(15);
});

test('draws less at once when drawing is slow, and more again when it is not', () => {
  const pace = new DrawPace();
  const bytes = new Uint8Array(100_000).fill(65);
  const most = pace.cut(bytes);
  pace.took(1);
  expect(pace.cut(bytes)).toBe(most / 2);
  for (let turn = 0; turn < 20; turn += 1) pace.took(1);
  expect(pace.cut(bytes)).toBeGreaterThan(0);
  for (let turn = 0; turn < 20; turn += 1) pace.took(0);
  expect(pace.cut(bytes)).toBe(most);
});

test('cuts after a line where there is one', () => {
  const pace = new DrawPace();
  const most = pace.cut(new Uint8Array(100_000));
  const bytes = new Uint8Array(2 * most);
  bytes[most - 10] = 10;
  expect(pace.cut(bytes)).toBe(most - 9);
  expect(pace.cut(Uint8Array.of(65, 10, 66))).toBe(3);
});

test('draws few escape sequences at once', () => {
  const pace = new DrawPace();
  const part = pace.cut(encoder.encode('\x1b[2J'.repeat(3_000)));
  expect(part).toBeLessThan(1_000);
});

function aligned(text: string, lookThrough: number): string {
  const bytes = encoder.encode(text);
  const whole = new FirstLine(lookThrough).align({ offset: 0, bytes, isError: false, time: 0 });
  return whole === null ? '' : decoder.decode(whole.bytes);
}

test('leaves out a line that is cut off', () => {
  expect(aligned('ne 1\nline 2\n', 100)).toBe('line 2\n');
  expect(aligned('line 1\nline 2\n', 0)).toBe('line 1\nline 2\n');
});

test('a line without an end is shown from where it is', () => {
  expect(aligned('x'.repeat(300), 100)).toBe('x'.repeat(300));
  expect(aligned('x'.repeat(50), 100)).toBe('');
});

test('reads what a person would', () => {
  const read = (text: string) => plainText(encoder.encode(text));
  expect(read('\x1b[1;31mred\x1b[0m \x1b]8;;http://x\x07link\x1b]8;;\x1b\\')).toBe('red link');
  expect(read('10%\r20%\r100%')).toBe('100%');
  expect(read('windows\r\n')).toBe('windows');
  expect(read('\x1b]0;not ended')).toBe('');
});
