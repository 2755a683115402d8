import { Terminal } from '@xterm/xterm';
import { afterEach, expect, test } from 'vitest';
import { fence, RESTORE_COLOURS } from './fences';
import { loadGraphemes, MAX_JOINED } from './graphemes';
import { safeUrl } from './links';

/** Everything by which output may ask a terminal to type: DA, DSR, DECRQM, DECRQSS, colours, size. */
const QUESTIONS = [
  '\x1b[c',
  '\x1b[>c',
  '\x1b[=c',
  '\x1b[5n',
  '\x1b[6n',
  '\x1b[?6n',
  '\x1b[20$p',
  '\x1b[?2004$p',
  '\x1b[14t',
  '\x1b[16t',
  '\x1b[18t',
  '\x1b[21t',
  '\x1bP$qm\x1b\\',
  '\x1bP$q"p\x1b\\',
  '\x1b]4;1;?\x07',
  '\x1b]10;?\x07',
  '\x1b]10;?;?\x07',
  '\x1b]11;?\x1b\\',
  '\x1b]12;?\x07',
  '\x1b]52;c;?\x07',
  '\x1b[>q',
  '\x1bZ',
];
/** Those that a terminal which may be typed into answers. */
const ANSWERED = ['\x1b[c', '\x1b[6n', '\x1bP$qm\x1b\\'];

const terminals: Terminal[] = [];

afterEach(() => {
  for (const terminal of terminals.splice(0)) terminal.dispose();
});

function terminalThat(mayReply: boolean): { terminal: Terminal; typed: string[] } {
  const terminal = new Terminal({ allowProposedApi: true, cols: 40, rows: 5 });
  const typed: string[] = [];
  terminal.onData((text) => typed.push(text));
  fence(terminal, { mayReply: () => mayReply, droppedRows: () => 0, maxRows: () => 1_000 });
  terminals.push(terminal);
  return { terminal, typed };
}

function write(terminal: Terminal, text: string): Promise<void> {
  return new Promise((resolve) => terminal.write(text, resolve));
}

function textOf(terminal: Terminal, row: number): string {
  return terminal.buffer.active.getLine(row)?.translateToString(true) ?? '';
}

test.each(QUESTIONS)('whoever only looks types no answer to %j', async (question) => {
  const { terminal, typed } = terminalThat(false);
  await write(terminal, `before${question}after`);
  expect(typed).toEqual([]);
  expect(textOf(terminal, 0)).toBe('beforeafter');
});

test.each(ANSWERED)('a terminal that is typed into answers %j', async (question) => {
  const { terminal, typed } = terminalThat(true);
  await write(terminal, question);
  expect(typed.length).toBe(1);
});

test('nobody is told the title or the clipboard, not even where answers are allowed', async () => {
  const { terminal, typed } = terminalThat(true);
  await write(terminal, '\x1b]2;rm -rf ~\x07\x1b[21t\x1b[20t\x1b]52;c;?\x07');
  expect(typed).toEqual([]);
});

test('replayed output does not turn focus reports on', async () => {
  const replay = terminalThat(false);
  await write(replay.terminal, '\x1b[?1004h');
  expect(replay.terminal.modes.sendFocusMode).toBe(false);
  const live = terminalThat(true);
  await write(live.terminal, '\x1b[?1004h');
  expect(live.terminal.modes.sendFocusMode).toBe(true);
});

test('a program hears of focus once it is answered here, and only as long', async () => {
  const terminal = new Terminal({ allowProposedApi: true, cols: 40, rows: 5 });
  terminals.push(terminal);
  const gate = { mayReply: () => false, droppedRows: () => 0, maxRows: () => 1_000 };
  const fenced = fence(terminal, gate);
  await write(terminal, '\x1b[?1004h');
  fenced.controlled(true);
  await write(terminal, '');
  expect(terminal.modes.sendFocusMode).toBe(true);
  fenced.controlled(false);
  await write(terminal, '');
  expect(terminal.modes.sendFocusMode).toBe(false);
  await write(terminal, '\x1b[?1004l');
  fenced.controlled(true);
  await write(terminal, '');
  expect(terminal.modes.sendFocusMode).toBe(false);
});

test('a program may still change colours and modes, and that can be undone', async () => {
  const { terminal } = terminalThat(false);
  await write(terminal, `\x1b]10;#ff0000\x07\x1b[?2004h${RESTORE_COLOURS}x`);
  expect(terminal.modes.bracketedPasteMode).toBe(true);
  expect(textOf(terminal, 0)).toBe('x');
});

test('so many links are links, the rest is text', async () => {
  const { terminal } = terminalThat(false);
  const link = (at: number) => `\x1b]8;;http://host/${at}\x1b\\${at % 10}\x1b]8;;\x1b\\`;
  await write(terminal, Array.from({ length: 3_000 }, (_, at) => link(at)).join(''));
  expect(terminal.buffer.active.baseY).toBeGreaterThan(0);
  expect(terminal.markers.length).toBeLessThanOrEqual(1_000);
});

test.each([
  ['https://example.com/a?b#c', 'https://example.com/a?b#c'],
  ['http://example.com', 'http://example.com/'],
  ['javascript:alert(1)', null],
  ['JavaScript://x%0aalert(1)', null],
  ['data:text/html,<script>', null],
  ['file:///etc/passwd', null],
  ['vbscript:x', null],
  ['//example.com', null],
  ['', null],
  [`https://example.com/${'x'.repeat(5_000)}`, null],
])('%j leads to %j', (text, url) => {
  expect(safeUrl(text)).toBe(url);
});

test('emoji are one character, and none is made of too many', async () => {
  const { terminal } = terminalThat(false);
  loadGraphemes(terminal);
  await write(terminal, '👩‍👩‍👧x\r\ne\u0301x\r\n日x\r\n');
  const cells = (row: number) => terminal.buffer.active.getLine(row);
  expect(cells(0)?.getCell(0)?.getChars()).toBe('👩‍👩‍👧');
  expect(cells(0)?.getCell(2)?.getChars()).toBe('x');
  expect(cells(1)?.getCell(0)?.getChars()).toBe('e\u0301');
  expect(cells(2)?.getCell(2)?.getChars()).toBe('x');
  await write(terminal, `👩${'\u200d👧'.repeat(10_000)}`);
  const { baseY, cursorY } = terminal.buffer.active;
  for (let row = 3; row <= baseY + cursorY; row += 1) {
    const chars = Array.from(cells(row)?.getCell(0)?.getChars() ?? '');
    expect(chars.length).toBeLessThanOrEqual(MAX_JOINED);
  }
});

test.each(['L', 'M', 'S', 'T', 'b', 'I', 'Z'])(
  'CSI %s is not done two billion times',
  async (final) => {
    const { terminal } = terminalThat(false);
    await write(terminal, `first\r\nx\x1b[2147483647${final}\r\nafter`);
    expect(textOf(terminal, 0)).toBe('first');
    expect(textOf(terminal, 2)).toBe('after');
  },
);

test('as often as there are rows it is done', async () => {
  const { terminal } = terminalThat(false);
  await write(terminal, 'first\r\nsecond\x1b[5S\r\nafter');
  expect(textOf(terminal, 0)).toBe('');
  expect(textOf(terminal, 2)).toBe('after');
});
