import { Terminal } from '@xterm/xterm';
import { expect, test } from 'vitest';
import type { SearchHit } from '../../protocol/messages';
import { matchedText, spanOf } from './highlight';
import { keySequence, withCtrl } from './keys';
import { LongestLine } from './LongestLine';
import { MIN_THUMB_PIXELS, offsetAt, thumbOf } from './MapCanvas';

const encoder = new TextEncoder();

async function terminalWith(text: string, cols: number): Promise<Terminal> {
  const terminal = new Terminal({ allowProposedApi: true, convertEol: true, cols, rows: 10 });
  await new Promise<void>((resolve) => terminal.write(text, resolve));
  return terminal;
}

function hitIn(text: string, column: number, width: number): SearchHit {
  return { offset: 0, length: width, line: 1, text, column, width };
}

test('a match is what the hub counts in characters', () => {
  expect(matchedText(hitIn('a😀bcd', 2, 2))).toBe('bc');
  expect(matchedText(hitIn('😀', 0, 1))).toBe('😀');
});

test('finds the very occurrence in the rows of a line', async () => {
  const { buffer } = await terminalWith('0123456789', 80);
  expect(spanOf(buffer.normal, 0, '012', '345')).toEqual({ row: 0, column: 3, length: 3 });
  const repeated = (await terminalWith('ab ab ab ab', 4)).buffer.normal;
  expect(spanOf(repeated, 0, '', 'ab')).toEqual({ row: 0, column: 0, length: 2 });
  expect(spanOf(repeated, 0, 'ab ab ', 'ab')).toEqual({ row: 1, column: 2, length: 2 });
});

test('counts cells, not characters', async () => {
  const { buffer } = await terminalWith('日本 x match', 80);
  expect(spanOf(buffer.normal, 0, '日本 x ', 'match')).toEqual({ row: 0, column: 7, length: 5 });
  const wide = (await terminalWith('a日本b', 80)).buffer.normal;
  expect(spanOf(wide, 0, 'a', '日本')?.column).toBe(1);
});

test('marks nothing where the match is not to be seen', async () => {
  const { buffer } = await terminalWith('something else', 80);
  expect(spanOf(buffer.normal, 0, '', 'absent')).toBeNull();
  expect(spanOf(buffer.normal, 0, '', '')).toBeNull();
});

test.each([
  ['Escape', false, false, '\x1b'],
  ['Tab', false, false, '\t'],
  ['ArrowUp', false, false, '\x1b[A'],
  ['ArrowUp', true, false, '\x1bOA'],
  ['ArrowLeft', true, true, '\x1b[1;5D'],
] as const)('%s sends what a keyboard does', (key, application, ctrl, sequence) => {
  expect(keySequence(key, application, ctrl)).toBe(sequence);
});

test('Ctrl makes control characters of letters, and leaves the rest', () => {
  expect(withCtrl('c')).toBe('\x03');
  expect(withCtrl('C')).toBe('\x03');
  expect(withCtrl('[')).toBe('\x1b');
  expect(withCtrl(' ')).toBe('\0');
  expect(withCtrl('1')).toBe('1');
  expect(withCtrl('é')).toBe('é');
});

test('the thumb shows what is in view, and is never too small to take', () => {
  expect(thumbOf(0, 50, 100, 200)).toEqual({ top: 0, height: 100 });
  expect(thumbOf(50, 100, 100, 200)).toEqual({ top: 100, height: 100 });
  const tiny = thumbOf(1e10 - 1e3, 1e10, 1e10, 600);
  expect(tiny).toEqual({ top: 600 - MIN_THUMB_PIXELS, height: MIN_THUMB_PIXELS });
  expect(thumbOf(0, 0, 0, 600)).toEqual({ top: 0, height: 600 });
});

test('dragging the thumb to where it is leads to where one is', () => {
  for (const [from, to, size] of [
    [0, 10, 100],
    [40, 60, 100],
    [900_000, 900_100, 1_000_000],
  ] as const) {
    const { top } = thumbOf(from, to, size, 500);
    expect(offsetAt(top, to - from, size, 500)).toBe(from);
  }
  expect(offsetAt(-50, 10, 100, 500)).toBe(0);
  expect(offsetAt(5_000, 10, 100, 500)).toBe(90);
});

test('a terminal is as wide as the longest line, in steps, up to a limit', () => {
  const longest = new LongestLine();
  longest.add(encoder.encode('x'.repeat(30)));
  longest.add(encoder.encode(`${'x'.repeat(30)}\nshort\n`));
  expect(longest.columns).toBe(80);
  longest.add(encoder.encode('x'.repeat(100_000)));
  expect(longest.columns).toBe(1_000);
});
