import { Terminal } from '@xterm/xterm';
import { expect, test } from 'vitest';
import { BufferScreen } from './BufferScreen';

test.each(['clear', 'write'] as const)(
  'what it was about to %s when it was closed is told to nobody',
  async (what) => {
    const terminal = new Terminal();
    const screen = new BufferScreen(terminal, { draw: () => {}, lift: () => {} });
    const told: string[] = [];
    const tell = () => told.push(what);
    if (what === 'clear') screen.clear(false, tell);
    else screen.write(new Uint8Array([0x61]), false, () => {}, tell);
    screen.close();
    // xterm ends what it has begun, in order: the beginning, then what that wrote.
    for (let turn = 0; turn < 2; turn += 1) {
      await new Promise<void>((done) => {
        terminal.write('', done);
      });
    }
    expect(told).toEqual([]);
  },
);

test.each([
  ['the other screen', '\x1b[?1049h', 'abc'],
  ['the screen', '', 'abc'],
])(
  'what lies beyond a narrower size of %s is gone, also when it grows again',
  async (_, enter, kept) => {
    const terminal = new Terminal({ cols: 10, rows: 4, allowProposedApi: true });
    const screen = new BufferScreen(terminal, { draw: () => {}, lift: () => {} });
    await new Promise<void>((done) => {
      terminal.write(`${enter}abcdefghij\x1b[H`, done);
    });
    screen.resize(3, 4);
    const row = () => terminal.buffer.active.getLine(0)?.translateToString(true);
    expect(row()).toBe(kept);
    screen.resize(8, 4);
    expect(terminal.buffer.active.getLine(0)?.length).toBe(8);
    if (enter !== '') expect(row()).toBe(kept);
  },
);
