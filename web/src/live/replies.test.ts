import { expect, test } from 'vitest';
import { isReply } from './replies';

test.each([
  '\x1b[?1;2c',
  '\x1b[>0;276;0c',
  '\x1b[0n',
  '\x1b[12;40R',
  '\x1b[?12;40R',
  '\x1b[?2026;2$y',
  '\x1b[4;1$y',
  '\x1b[8;24;80t',
  '\x1b[I',
  '\x1b[O',
  '\x1bP1$r0m\x1b\\',
  '\x1b]11;rgb:0000/0000/0000\x1b\\',
  '\x1b[<35;10;5M',
])('%j is said by the terminal', (text) => {
  expect(isReply(text)).toBe(true);
});

test.each([
  'c',
  '\x1b',
  '\x1bP',
  '\x1b]',
  '\x1b[A',
  '\x1bOP',
  '\x1b[1;5R',
  '\x1b[3~',
  '\x1b[200~\x1b[201~',
  '\x1b[<0;10;5M',
  '\x1b[<0;10;5m',
  '\x1b[<32;10;5M',
  '\x1b[<64;10;5M',
])('%j is done by a person', (text) => {
  expect(isReply(text)).toBe(false);
});
