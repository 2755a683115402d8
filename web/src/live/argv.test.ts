import { describe, expect, test } from 'vitest';
import { joinCommandLine, shellWord, splitCommandLine } from './argv';

const CASES: [line: string, argv: string[]][] = [
  ['', []],
  ['  \t ', []],
  ['make -j8 test', ['make', '-j8', 'test']],
  ['  a   b  ', ['a', 'b']],
  ["echo 'a b' c", ['echo', 'a b', 'c']],
  ['echo "a b" c', ['echo', 'a b', 'c']],
  [`a'b'"c"d`, ['abcd']],
  [`'' ""`, ['', '']],
  [String.raw`a\ b \'c\"`, ['a b', `'c"`]],
  [String.raw`'a\b'`, [String.raw`a\b`]],
  [String.raw`"a\b \" \\ \$x"`, [String.raw`a\b " \ $x`]],
  ['a\\\nb', ['ab']],
  ['a\nb', ['a', 'b']],
  ['echo $HOME *.py | cat > x', ['echo', '$HOME', '*.py', '|', 'cat', '>', 'x']],
  ['echo #x ü 🌳', ['echo', '#x', 'ü', '🌳']],
];

const BYTES: [line: string, argv: string[]][] = [
  [String.raw`cat $'caf\xe9'`, ['cat', 'caf\0\xe9']],
  ["$'a\\xffb\\\\\\'' x", [`a\0\xffb\\'`, 'x']],
];

test.each(BYTES)('%s has bytes that are not UTF-8', (line, argv) => {
  expect(splitCommandLine(line)).toEqual({ ok: true, argv });
  expect(joinCommandLine(argv)).toBe(line);
});

test.each([[String.raw`$'\x00'`], [String.raw`$'\q'`], ["$'a"], ["$'\\"]])(
  '%s is refused',
  (line) => {
    expect(splitCommandLine(line)).toMatchObject({ ok: false });
  },
);

test("what $'…' means otherwise", () => {
  expect(splitCommandLine(String.raw`a$'\t\x41'b "$'x'"`)).toEqual({
    ok: true,
    argv: ['a\tAb', "$'x'"],
  });
});

describe('splitCommandLine', () => {
  test.each(CASES)('%j', (line, argv) => {
    expect(splitCommandLine(line)).toEqual({ ok: true, argv });
  });

  test.each([["echo 'a"], ['echo "a'], ['echo a\\']])('%j says what is wrong', (line) => {
    expect(splitCommandLine(line)).toMatchObject({ ok: false });
  });
});

test('joinCommandLine is undone by splitCommandLine', () => {
  for (const [, argv] of CASES) {
    expect(splitCommandLine(joinCommandLine(argv))).toEqual({ ok: true, argv });
  }
  expect(joinCommandLine(['echo', "it's", 'a=b'])).toBe(String.raw`echo 'it'\''s' a=b`);
});

test.each([
  [['make', '&&', 'make', 'test'], '&&'],
  [['cat', 'x', '|', 'wc'], '|'],
  [['make', '2>&1'], '2>&1'],
  [['make', '>log'], '>log'],
  [['ls', '*.py'], '*.py'],
  [['echo', '$HOME'], '$HOME'],
  [['ls', '~/src'], '~/src'],
  [['cd', 'x;', 'ls'], 'x;'],
])('in %j a shell would do something with %j', (argv, word) => {
  expect(shellWord(argv)).toBe(word);
});

test('ordinary arguments are only text', () => {
  expect(shellWord(['make', '-j8', 'CC=gcc', 'a>=b', 'x~', '100%', '$', 'a&b'])).toBeNull();
});
