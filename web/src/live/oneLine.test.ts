import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Task } from '../protocol/messages';
import { oneLine, taskName } from './oneLine';

test.each([
  ['make test', 'make test'],
  ['echo 1\necho 2\r\necho 3\n', 'echo 1 ⏎ echo 2 ⏎ echo 3'],
  ['a\n\nb', 'a ⏎  ⏎ b'],
  ['a\u2028b\u2029c', 'a ⏎ b ⏎ c'],
  ['a\tb\x1b[31mc\x7f', 'a␉b␛[31mc␡'],
  ['\x85', '<0085>'],
  ['rm \u202egpj.exe', 'rm <202E>gpj.exe'],
  ['  two  spaces', '  two  spaces'],
])('%j is shown as %j', (text, line) => {
  expect(oneLine(text)).toBe(line);
});

const character = fc
  .oneof(fc.integer({ min: 0, max: 0xff }), fc.integer({ min: 0x2000, max: 0x2070 }))
  .map((code) => String.fromCharCode(code));

test('whatever it is, nothing in it begins another line or turns the text around', () => {
  fc.assert(
    fc.property(fc.string({ unit: character, maxLength: 40 }), (text) => {
      const line = oneLine(text);
      expect(line).not.toMatch(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u);
    }),
  );
});

test('of what is long the beginning is shown, whole characters of it', () => {
  const line = oneLine('😀'.repeat(10_000));
  expect(line.endsWith('😀 …')).toBe(true);
  expect(line.length).toBeLessThan(600);
  expect(oneLine(`x${'😀'.repeat(10_000)}`).endsWith('😀 …')).toBe(true);
});

test('a task is called by its title, or else by its command', () => {
  const task = { command: 'a\nb', args: [], shell: true, isCut: false, title: null } as unknown;
  expect(taskName(task as Task)).toBe('a ⏎ b');
  expect(taskName({ ...(task as Task), title: 'two\nlines' })).toBe('two ⏎ lines');
});
