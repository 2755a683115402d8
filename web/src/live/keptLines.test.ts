import { Terminal } from '@xterm/xterm';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Harmless } from './harmless';
import { KeptLines } from './keptLines';

/** xterm draws in turns of the clock. */
const PROPERTY_MS = 60_000;
const encoder = new TextEncoder();
const decoder = new TextDecoder();
const NOTE = '─ screen cleared here ─';

/** What is drawn of an output that arrives in parts of so many bytes. */
function drawn(
  text: string,
  partBytes = 1_000_000,
  layer: Pick<KeptLines, 'take'> = new KeptLines(),
): Uint8Array {
  const bytes = encoder.encode(text);
  const parts: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    const { used, data } = layer.take(bytes.subarray(at, at + partBytes));
    expect(used).toBeGreaterThan(0);
    parts.push(data);
    at += used;
  }
  return Uint8Array.from(parts.flatMap((part) => Array.from(part)));
}

async function lines(data: Uint8Array): Promise<string[]> {
  const terminal = new Terminal({
    allowProposedApi: true,
    convertEol: true,
    logLevel: 'off',
    cols: 60,
    rows: 6,
    scrollback: 5_000,
  });
  await new Promise<void>((resolve) => terminal.write(data, resolve));
  const { active } = terminal.buffer;
  const found = Array.from(
    { length: active.length },
    (_, row) => active.getLine(row)?.translateToString(true) ?? '',
  );
  terminal.dispose();
  return found.slice(0, found.findLastIndex((line) => line !== '') + 1);
}

const CLEARING = [
  '\x1b[H\x1b[2J\x1b[3J',
  '\x1b[H\x1b[J\x1b[2J',
  '\x1bc',
  '\x1b[3J',
  '\x1b[2J',
  '\x1b[?2J',
  '\x1b[1J',
  '\x1b[2;5J',
  '\x1b[?1049h',
  '\x1b[?47h',
  '\x1b[?25;1047h',
  '\u009b2J',
  '\x1b[2\x7fJ',
];

test.each(CLEARING)('%j is a note, and what was written stays above it', async (clear) => {
  expect(await lines(drawn(`important\n${clear}after\n`))).toEqual(['important', NOTE, 'after']);
  expect(await lines(drawn(`half${clear}after\n`))).toEqual(['half', NOTE, 'after']);
});

test('what is cleared at once is one note, and an empty screen none', async () => {
  expect(await lines(drawn(`${CLEARING.join('')}first\n`))).toEqual(['first']);
  const all = `first\n${CLEARING.join('')}second\n${CLEARING.join('')}`;
  expect(await lines(drawn(all))).toEqual(['first', NOTE, 'second', NOTE]);
});

test.each([
  '\x1b[A',
  '\x1b[1;1H',
  '\x1b[H',
  '\x1b[3f',
  '\x1b[2d',
  '\x1b[F',
  '\x1bM',
  '\x1b8',
  '\x1b[u',
  '\x1b[1;3r',
  '\x1b[2L',
  '\x1b[2M',
  '\x1b[9T',
  '\x1b[9S',
  '\x1b[?1049l',
  '\u008d',
])('%j goes on below, over nothing', async (up) => {
  const text = `one\ntwo\n${up}three\nhalf${up}\rfour\n`;
  expect(await lines(drawn(text))).toEqual(['one', 'two', 'three', 'half', 'four']);
});

test.each([
  ['the test pattern', '\x1b#8'],
  ['no wrapping', '\x1b[?7l'],
  ['another width', '\x1b[?3h'],
  ['columns that are moved', '\x1b[5 @'],
  ['columns that are deleted', "\x1b[5'~"],
  ['an origin', '\x1b[?6h'],
  ['inserting', '\x1b[4h'],
  ['a soft reset', '\x1b[!p'],
  ['a number without an end', `\x1b[${'9'.repeat(10_000)}J`],
])('%s: left out', async (_what, sequence) => {
  const long = 'x'.repeat(100);
  const found = await lines(drawn(`one\n${sequence}two\n${long}\n`));
  expect(found).toEqual(['one', 'two', long.slice(0, 60), long.slice(60)]);
});

test.each([
  ['10 %\r50 %\r100 %\n', ['100 %']],
  ['work\x1b[2K\rdone\n', ['done']],
  ['work: 10\b\b99\n', ['work: 99']],
  ['abc\x1b[2Gx\x1b[K\n', ['ax']],
  ['long line\r\x1b[Jnew\n', ['new']],
  ['a\x1b[10Gb\n', ['a        b']],
])('%j is drawn over its own line', async (text, expected) => {
  expect(await lines(drawn(text))).toEqual(expected);
});

test('colours stay as they are, byte by byte, and go on after a note', async () => {
  const coloured =
    '\x1b[1;38;2;1;2;3mred\x1b[0m \x1b[4:3mwavy\x1b[m \x1b]8;;http://x\x1b\\l\x1b]8;;\x07\n';
  expect(decoder.decode(drawn(coloured))).toBe(coloured);
  const terminal = new Terminal({ allowProposedApi: true, convertEol: true });
  const data = drawn('\x1b[31mred\n\x1b[2Jstill red');
  await new Promise<void>((resolve) => terminal.write(data, resolve));
  const cell = (row: number) => terminal.buffer.active.getLine(row)?.getCell(0);
  expect(cell(1)?.getFgColor()).not.toBe(1);
  expect(cell(2)?.getChars()).toBe('s');
  expect(cell(2)?.getFgColor()).toBe(1);
  terminal.dispose();
});

test.each(['\x1b]0;', '\u009d0;', '\x1b]8;;http://x'])(
  'a string %j that is not ended ends with its line',
  async (start) => {
    expect(await lines(drawn(`one\n${start}title\ntwo\nthree\n`))).toEqual([
      'one',
      '',
      'two',
      'three',
    ]);
  },
);

test.each(['\x1bP', '\x1b_', '\x1b^', '\x1bX', '\u0090'])(
  'one that begins with %j swallows no more than it may be long',
  async (start) => {
    const swallowed = `${'x'.repeat(99)}\n`.repeat(1_000);
    const found = await lines(drawn(`one\n${start}${swallowed}two\n`));
    expect(found.at(-1)).toBe('two');
    expect(found.length).toBeGreaterThan(300);
  },
);

test('a string is ended though what ends it is left out', async () => {
  expect(await lines(drawn('\x1b]0;title\x1b7one\n\x1b]0;title\x1b[?25ltwo\n'))).toEqual([
    'one',
    'two',
  ]);
  expect(await lines(drawn('\x1b]0;title\x1b\n\x1b[mone\n'))).toEqual(['', 'one']);
});

const piece = fc.constantFrom(
  ...CLEARING,
  '\n',
  'text',
  'é°«☃',
  '\r',
  '\x1b[31m',
  '\x1b[2A',
  '\x1b[K',
  '\x1b]2;title\x07',
  '\x1b]2;ti\u009ctle',
  '\x1bPq\x1b\\',
  '\x1b',
  '\x1b[',
  '\x1b[3',
  '\x18',
  '\x7f',
  '\x1b(0',
  '\u009b',
  '\u0085',
);

test('what is drawn does not depend on where parts begin', () => {
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 30 }), fc.integer({ min: 1, max: 9 }), (all, size) => {
      const text = all.join('');
      expect(decoder.decode(drawn(text, size))).toBe(decoder.decode(drawn(text)));
    }),
  );
});

test('bytes without any control are drawn as they are, in any parts', () => {
  const bytes = fc.uint8Array({ maxLength: 300 }).map((all) => all.filter((byte) => byte !== 0x1b));
  fc.assert(
    fc.property(bytes, fc.integer({ min: 1, max: 50 }), (all, size) => {
      fc.pre(!/[\u0080-\u009f]/.test(decoder.decode(all)));
      const layer = new KeptLines();
      const parts: number[] = [];
      for (let at = 0; at < all.length; ) {
        const { used, data } = layer.take(all.subarray(at, at + size));
        parts.push(...data);
        at += used;
      }
      // A first half of a character at the very end waits for the other one.
      expect(all.slice(0, parts.length)).toEqual(Uint8Array.from(parts));
      expect(all.length - parts.length).toBeLessThanOrEqual(1);
    }),
  );
});

const anySequence = fc.oneof(
  piece.filter((each) => !/^[\r\n]|text|é/.test(each)),
  fc
    .tuple(
      fc.constantFrom('\x1b[', '\u009b', '\x1b[?'),
      fc.array(fc.integer({ min: 0, max: 2_000 }), { maxLength: 3 }),
      fc.constantFrom(...Array.from({ length: 63 }, (_, at) => String.fromCharCode(0x40 + at))),
    )
    .map(([start, numbers, final]) => `${start}${numbers.join(';')}${final}`),
  fc.constantFrom(
    ...Array.from({ length: 79 }, (_, at) => `\x1b${String.fromCharCode(0x30 + at)}`),
  ),
);

test(
  'whatever stands between lines, every line that was written is there, in its order',
  async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anySequence, { minLength: 1, maxLength: 12 }), async (between) => {
        // Each line is ended before the next sequence, which then has nothing of its own to draw over.
        const text = between
          .map((each, at) => `${each}\x18\n\x0f\x1b(B\x1b[0mline ${at}.\n`)
          .join('');
        const found = (await lines(drawn(text, 7, new Harmless(false)))).filter((line) =>
          line.startsWith('line '),
        );
        const expected = between.map((_, at) => `line ${at}.`);
        expect(found).toEqual(expected);
      }),
    );
  },
  PROPERTY_MS,
);
