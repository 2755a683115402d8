import { Terminal } from '@xterm/xterm';
import { expect, test } from 'vitest';
import { BufferScreen } from './BufferScreen';

test.each(['clear', 'write'] as const)(
  'what it was about to %s when it was closed is told to nobody',
  async (what) => {
    const terminal = new Terminal();
    const screen = new BufferScreen(terminal, { draw: () => {}, lift: () => {} });
    const told: string[] = [];
    if (what === 'clear') screen.clear(() => told.push('clear'));
    else screen.write(new Uint8Array([0x61]), false, () => told.push('write'));
    screen.close();
    // xterm ends what it has begun, in order.
    await new Promise<void>((done) => {
      terminal.write('', done);
    });
    expect(told).toEqual([]);
  },
);
