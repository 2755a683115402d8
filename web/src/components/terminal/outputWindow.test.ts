import { Terminal } from '@xterm/xterm';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { AHEAD_ROWS, OutputWindow } from '../../live/outputWindow';
import { plainText } from '../../live/plainText';
import type { Piece } from '../../live/taskFeed';
import type { Screen, TerminalState } from '../../protocol/messages';
import { BufferScreen } from './BufferScreen';

/** xterm draws in turns of the clock. */
const PROPERTY_MS = 30_000;
const encoder = new TextEncoder();

/** A window over a log that is all there, on an xterm without a page. */
class Bench {
  readonly terminal: Terminal;
  readonly screen: BufferScreen;
  readonly window: OutputWindow;
  readonly text: string;
  readonly bytes: Uint8Array;
  /** How many bytes were drawn, of all places. */
  shown = 0;
  frozen = false;
  /** Bytes from here on are no replay. */
  liveFrom = Number.POSITIVE_INFINITY;
  /** Where was asked to go on while answers are held back. */
  asked: number | null = null;
  #sent = 0;

  constructor(text: string, { cols = 40, rows = 10, scrollback = 4_000, isTerminal = false } = {}) {
    this.text = text;
    this.bytes = encoder.encode(text);
    this.terminal = new Terminal({
      allowProposedApi: true,
      convertEol: true,
      cols,
      rows,
      scrollback,
    });
    this.screen = new BufferScreen(this.terminal, {
      draw: () => {
        this.frozen = true;
      },
      lift: () => {
        this.frozen = false;
      },
    });
    this.window = new OutputWindow(this.screen, {
      isTerminal,
      streams: 'both',
      isLive: (offset) => offset >= this.liveFrom,
      seek: (offset) => {
        if (this.asked === null) this.seek(offset);
        else this.asked = offset;
      },
      onTerminal: (state) => this.onTerminal(state),
      now: () => 0,
      onChange: () => this.onDrawn(),
    });
  }

  /** The terminal has another size. */
  onTerminal: (state: Screen | TerminalState) => void = () => {};

  /** Something was drawn. */
  onDrawn = () => {};

  seek(offset: number): void {
    const from = offset < 0 ? Math.max(0, this.bytes.length + offset) : offset;
    this.begin(from);
    this.send(this.bytes.length);
  }

  /** What comes next begins here. */
  begin(offset: number): void {
    this.window.restart(offset);
    this.#sent = offset;
  }

  /** All up to an offset, in pieces as a hub would send them. */
  send(to: number, pieceBytes = 1_000): void {
    while (this.#sent < to) {
      const end = Math.min(to, this.#sent + pieceBytes);
      const length = end - this.#sent;
      const offset = this.#sent;
      const isError = Math.floor(offset / pieceBytes) % 3 === 2;
      const bytes = this.bytes.subarray(offset, end);
      const piece: Piece = { offset, bytes, isError, time: offset };
      this.#sent = end;
      this.window.output(piece, () => {
        this.shown += length;
      });
    }
  }

  /** Everything that can be drawn is. */
  async idle(): Promise<void> {
    for (let turn = 0; turn < 3; ) {
      const before = this.window.end;
      await new Promise<void>((resolve) => this.terminal.write('', resolve));
      turn = before === this.window.end && !this.window.isMoving ? turn + 1 : 0;
    }
  }

  /** What xterm was given is drawn. */
  async turns(): Promise<void> {
    for (let turn = 0; turn < 3; turn += 1) {
      await new Promise<void>((resolve) => this.terminal.write('', resolve));
    }
  }

  topLine(): string {
    return this.lineAt(this.window.visibleFrom());
  }

  lineAt(offset: number): string {
    const end = this.bytes.indexOf(10, offset);
    return plainText(this.bytes.subarray(offset, end < 0 ? this.bytes.length : end));
  }

  rowText(row: number): string {
    return this.terminal.buffer.normal.getLine(row)?.translateToString(true) ?? '';
  }

  scroll(rows: number): void {
    this.terminal.scrollLines(rows);
    this.window.moved(this.window.end === this.bytes.length);
  }
}

function numbered(count: number): string {
  return Array.from({ length: count }, (_, index) => `line ${index}\n`).join('');
}

test('follows the end', async () => {
  const bench = new Bench(numbered(300));
  bench.send(bench.bytes.length);
  await bench.idle();
  expect(bench.window.following).toBe(true);
  expect(bench.window.visibleTo()).toBe(bench.bytes.length);
  expect(bench.topLine()).toBe('line 291');
  expect(bench.shown).toBe(bench.bytes.length);
});

test('lets go when somebody scrolls up, and stays there while more arrives', async () => {
  const bench = new Bench(numbered(1_000));
  bench.send(5_000);
  await bench.idle();
  bench.scroll(-50);
  const before = bench.topLine();
  expect(bench.window.following).toBe(false);
  bench.send(bench.bytes.length);
  await bench.idle();
  expect(bench.topLine()).toBe(before);
});

test('follows again at the end', async () => {
  const bench = new Bench(numbered(300));
  bench.send(bench.bytes.length);
  await bench.idle();
  bench.scroll(-50);
  bench.scroll(50);
  expect(bench.window.following).toBe(true);
});

test('held at the bottom, what arrives does not move it', async () => {
  const bench = new Bench(numbered(1_000));
  bench.send(5_000);
  await bench.idle();
  const before = bench.topLine();
  bench.window.hold();
  bench.send(bench.bytes.length);
  await bench.idle();
  expect(bench.topLine()).toBe(before);
});

test('held, takes only so much beyond the view', async () => {
  const bench = new Bench(numbered(20_000), { scrollback: 6_000 });
  bench.window.hold();
  bench.send(bench.bytes.length);
  await bench.idle();
  expect(bench.screen.cursor).toBeLessThan(AHEAD_ROWS + 1_000);
  expect(bench.shown).toBeLessThan(bench.bytes.length / 4);
  bench.scroll(1_000);
  const { shown } = bench;
  await bench.idle();
  expect(bench.shown).toBeGreaterThan(shown);
});

test('scrolled to the top of what is loaded, loads older output and stays at the line', async () => {
  const bench = new Bench(numbered(60_000));
  bench.seek(-2_000);
  await bench.idle();
  const first = bench.window.start;
  bench.scroll(-1_000);
  const before = bench.topLine();
  await bench.idle();
  expect(bench.window.start).toBeLessThan(first);
  expect(bench.topLine()).toBe(before);
  expect(bench.frozen).toBe(false);
  bench.scroll(-10);
  expect(bench.lineAt(bench.window.visibleFrom())).not.toBe(before);
});

test('leaves out the part of a line that it begins in', async () => {
  const bench = new Bench(numbered(100));
  bench.seek(12);
  await bench.idle();
  expect(bench.rowText(0)).toBe('line 2');
  expect(bench.window.start).toBe(14);
});

test('shows any byte', async () => {
  const text = numbered(50_000);
  const bench = new Bench(text);
  bench.send(20_000);
  await bench.idle();
  for (const line of [0, 1_234, 40_000, 49_999]) {
    bench.window.show(text.indexOf(`line ${line}\n`), 0, 4_000);
    await bench.idle();
    const { top, cursor, height } = bench.screen;
    const rows = Array.from({ length: height }, (_, index) => bench.rowText(top + index));
    expect(rows).toContain(`line ${line}`);
    expect(top + height).toBeLessThanOrEqual(cursor + 1);
  }
});

test('a gap is a line of its own, where it is', async () => {
  const bench = new Bench('one\ntwo');
  bench.send(7);
  bench.window.gap({ from: 7, to: 1_031, reason: 'spool_full' });
  await bench.idle();
  expect(bench.rowText(2)).toContain('1.0 KiB are missing here');
  const { trimmed } = bench.screen;
  expect(bench.window.table.gapAt(trimmed + 2)?.from).toBe(7);
  expect(bench.window.table.gapAt(trimmed + 1)).toBeNull();
  expect(bench.window.end).toBe(1_031);
});

test('shows one stream alone, and both again', async () => {
  const bench = new Bench(numbered(600));
  bench.send(bench.bytes.length);
  await bench.idle();
  bench.window.setStreams('stderr');
  await bench.idle();
  expect(bench.screen.cursor).toBeLessThan(250);
  bench.window.setStreams('both');
  await bench.idle();
  expect(bench.screen.cursor).toBe(600);
});

/** A flood that was skipped to its last 2,000 bytes, when half of it had been drawn. */
async function skipped(text: string, isTerminal = false): Promise<Bench> {
  const bench = new Bench(text, { isTerminal });
  bench.liveFrom = 0;
  bench.send(bench.bytes.length / 2);
  await bench.idle();
  bench.asked = 0;
  expect(bench.window.maySkip).toBe(true);
  bench.window.skip(2_000);
  expect(bench.asked).toBe(-2_000);
  bench.liveFrom = bench.bytes.length;
  return bench;
}

test('skips to the end, without an empty screen in between and without a line missing', async () => {
  const bench = await skipped(numbered(1_000));
  const { length } = bench.bytes;
  const before = bench.rowText(bench.screen.top);
  bench.begin(length - 2_000);
  await bench.turns();
  expect(bench.rowText(bench.screen.top)).toBe(before);
  expect(bench.frozen).toBe(false);
  bench.send(length, 2_000);
  await bench.idle();
  expect(bench.window.following).toBe(true);
  expect(bench.window.start).toBeGreaterThan(length - 2_000);
  expectTrueTable(bench);
  const numbers = Array.from({ length: bench.screen.cursor }, (_, row) => bench.rowText(row));
  expect(numbers.at(0)).toBe(bench.lineAt(bench.window.start));
  expect(numbers.at(-1)).toBe('line 999');
});

test('what waits to be drawn is passed over at once', async () => {
  const bench = new Bench(numbered(1_000));
  bench.liveFrom = 0;
  bench.asked = 0;
  bench.send(bench.bytes.length, 1_000);
  bench.window.skip(2_000);
  await bench.turns();
  // What was being drawn already.
  expect(bench.shown).toBe(1_000);
});

test('draws what it skipped to and rests, until it is to go on', async () => {
  const bench = await skipped(numbered(1_000));
  const { length } = bench.bytes;
  bench.liveFrom = length - 1_000;
  bench.begin(length - 2_000);
  bench.send(length, 500);
  await bench.idle();
  expect(bench.window.end).toBe(length - 1_000);
  expect(bench.window.maySkip).toBe(true);
  bench.window.goOn();
  await bench.idle();
  expect(bench.window.end).toBe(length);
});

test('of a flood of short lines only the last ones are drawn', async () => {
  const bench = await skipped('y\n'.repeat(60_000));
  bench.begin(40_000);
  bench.send(bench.bytes.length, 100_000);
  await bench.idle();
  expect(bench.screen.cursor).toBeLessThanOrEqual(1_000);
  expect(bench.window.end).toBe(bench.bytes.length);
});

test.each([
  ['its settings', '', 'normal'],
  ['its other screen', '\x1b[?1049h', 'alternate'],
] as const)('a program that is skipped in keeps %s', async (_what, modes, screen) => {
  const bench = await skipped(`\x1b[?1h\x1b[?2004h${modes}${numbered(1_000)}`, true);
  bench.begin(bench.bytes.length - 2_000);
  bench.send(bench.bytes.length);
  await bench.idle();
  const { modes: kept, buffer } = bench.terminal;
  expect(kept.applicationCursorKeysMode).toBe(true);
  expect(kept.bracketedPasteMode).toBe(true);
  expect(buffer.active.type).toBe(screen);
});

test('when a place is left for another one, its settings go', async () => {
  const bench = await skipped(`\x1b[?1h${numbered(1_000)}`, true);
  bench.begin(bench.bytes.length - 2_000);
  bench.asked = null;
  bench.window.show(500, 0, 0);
  await bench.idle();
  expect(bench.terminal.modes.applicationCursorKeysMode).toBe(false);
});

test('in a flood the picture goes once all is drawn that was there', async () => {
  const bench = new Bench(numbered(20_000));
  bench.liveFrom = 3_000;
  bench.asked = 0;
  bench.window.follow(2_000, false);
  expect(bench.frozen).toBe(true);
  bench.begin(1_000);
  const more = () => {
    if (bench.window.end < 50_000) bench.send(bench.window.end + 20_000);
  };
  bench.onDrawn = () => {
    if (bench.window.end > 3_000) expect(bench.frozen).toBe(false);
    more();
  };
  more();
  await bench.idle();
  expect(bench.window.end).toBeGreaterThan(50_000);
});

test('a log that clears the screen keeps its lines, and each is still found by its bytes', async () => {
  const line = (at: number) => `line ${at}\n${at % 3 === 0 ? '\x1b[H\x1b[2J\x1b[3J' : ''}`;
  const text = Array.from({ length: 40 }, (_, at) => line(at)).join('');
  const bench = new Bench(`${text}half\x1b[Amore\nlast\n`);
  bench.send(bench.bytes.length);
  await bench.idle();
  expect(bench.window.end).toBe(bench.bytes.length);
  const { rows, trimmed, cursor } = bench.screen;
  const shown = Array.from({ length: cursor }, (_, row) => bench.rowText(row));
  const note = '─ screen cleared here ─';
  const written = Array.from({ length: 40 }, (_, at) => `line ${at}`);
  expect(shown.filter((each) => each !== note)).toEqual([...written, 'half', 'more', 'last']);
  expect(shown.filter((each) => each === note)).toHaveLength(14);
  for (const text of [...written, 'more', 'last']) {
    const offset = encoder.encode(bench.text.slice(0, bench.text.indexOf(`${text}\n`))).length;
    const place = bench.window.table.rowOf(offset, rows, trimmed);
    expect(bench.rowText((place?.row ?? -1) - trimmed)).toBe(text);
  }
});

test('a terminal clears its screen as it likes', async () => {
  const bench = new Bench('one\ntwo\x1b[H\x1b[2Jthree', { isTerminal: true });
  bench.send(bench.bytes.length);
  await bench.idle();
  expect(bench.rowText(0)).toBe('three');
});

test('after all was erased, rows are told apart again', async () => {
  const bench = new Bench(`${numbered(100)}\x1bc\x1b[3Jafter\nthat\n`, { isTerminal: true });
  bench.send(bench.bytes.length - 11);
  await bench.idle();
  bench.send(bench.bytes.length);
  await bench.idle();
  expect(bench.rowText(0)).toBe('after');
  const { rows, trimmed } = bench.screen;
  const place = bench.window.table.placeOf(trimmed + 1, rows, trimmed);
  expect(bench.lineAt(place?.offset ?? 0)).toBe('that');
});

const LINE_FEED = 10;

// Wide characters would need cells counted; the bytes of every line are those of its rows.
const word = fc.constantFrom('alpha', 'é', '\x1b[31mred\x1b[0m', 'x'.repeat(37), '..', ' ');
const line = fc.array(word, { maxLength: 6 }).map((words) => `|${words.join('')}|`);
const log = fc.array(line, { minLength: 1, maxLength: 60 }).map((lines) => `${lines.join('\n')}\n`);

/** Every row that begins a line, by the table, is the row that shows it. */
function expectTrueTable(bench: Bench): void {
  const { rows, cursor, trimmed } = bench.screen;
  const { table } = bench.window;
  for (let row = 0; row < cursor; row += 1) {
    if (rows.isWrapped(row)) continue;
    const place = table.placeOf(trimmed + row, rows, trimmed);
    if (place === null) throw new Error(`row ${row} is unknown`);
    const shown = bench.rowText(row).trimEnd();
    const begins = bench.bytes.lastIndexOf(LINE_FEED, place.offset - 1) + 1;
    if (row === 0 && trimmed > 0 && place.offset > begins) {
      // The rest of a line. Where that began is forgotten with the rows above: it is known which it is.
      expect(bench.lineAt(begins)).toContain(shown);
    } else {
      const text = bench.lineAt(place.offset);
      expect(text.slice(0, bench.terminal.cols).trimEnd()).toBe(shown);
    }
    expect(table.rowOf(place.offset, rows, trimmed)?.row).toBe(trimmed + row);
  }
}

test(
  'every row is told which line it shows, whatever the pieces and the width',
  async () => {
    await fc.assert(
      fc.asyncProperty(
        log,
        fc.integer({ min: 1, max: 300 }),
        fc.integer({ min: 5, max: 60 }),
        fc.integer({ min: 5, max: 60 }),
        async (text, pieceBytes, cols, otherCols) => {
          const bench = new Bench(text, { cols, scrollback: 40 });
          bench.send(bench.bytes.length, pieceBytes);
          await bench.idle();
          expectTrueTable(bench);
          bench.window.resize(() => bench.screen.resize(otherCols, 10), otherCols !== cols);
          await bench.idle();
          expectTrueTable(bench);
          bench.terminal.dispose();
        },
      ),
      { numRuns: 60 },
    );
  },
  PROPERTY_MS,
);

test('the line at the top stays there when the width changes', async () => {
  const text = Array.from({ length: 400 }, (_, at) => `${at} ${'x'.repeat(at % 90)}\n`).join('');
  const bench = new Bench(text);
  bench.send(bench.bytes.length);
  await bench.idle();
  bench.scroll(-200);
  const before = bench.topLine();
  bench.window.resize(() => bench.screen.resize(25, 12), true);
  await bench.idle();
  expect(bench.topLine()).toBe(before);
});

function painted(offset: number, text: string): Screen {
  const output = encoder.encode(text);
  return { type: 'screen', taskId: 'tsk_1', offset, cols: 40, rows: 5, output };
}

test('a screen takes the place of what was drawn, and the output goes on behind it', async () => {
  const bench = new Bench(numbered(300));
  bench.send(2_000);
  await bench.idle();
  bench.terminal.write('\x1b[?1049h\x1b[?2004h');
  bench.window.screen(painted(1_000, 'first\r\nsecond\r\n$ '));
  bench.window.output(
    { offset: 1_000, bytes: encoder.encode('ls\r\n'), isError: false, time: 0 },
    () => {},
  );
  await bench.turns();
  expect([0, 1, 2].map((row) => bench.rowText(row))).toEqual(['first', 'second', '$ ls']);
  expect(bench.terminal.modes.bracketedPasteMode).toBe(false);
  expect(bench.window.end).toBe(1_004);
  // Its place stands for about as much output as it was made of.
  expect(bench.window.start).toBe(1_000 - 'first\r\nsecond\r\n$ '.length);
});

test('a terminal has its size from where it was changed on', async () => {
  const bench = new Bench('');
  const drawn: string[] = [];
  bench.onTerminal = ({ cols }) => {
    drawn.push(`${cols}: ${bench.rowText(0)}`);
  };
  const write = (offset: number, text: string) =>
    bench.window.output({ offset, bytes: encoder.encode(text), isError: false, time: 0 }, () => {});
  bench.window.screen(painted(0, ''));
  write(0, 'abc');
  const state = { type: 'terminal', taskId: 'tsk_1', rows: 5, controls: false } as const;
  bench.window.terminal({ ...state, offset: 3, cols: 60 });
  write(3, 'def');
  await bench.turns();
  expect(drawn).toEqual(['40: ', '60: abc']);
  expect(bench.rowText(0)).toBe('abcdef');
});
