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
