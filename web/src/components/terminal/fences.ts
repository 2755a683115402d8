import type { IParser, Terminal } from '@xterm/xterm';

/** What answers that a program asks for are held back by. */
export interface Gate {
  /** Rows that were dropped, since ever: with them went their links. */
  droppedRows(): number;
  /** Rows there can be. */
  maxRows(): number;
  /** Whether a program may be answered now: it is typed to here, and this is no replay. */
  mayReply(): boolean;
}

const MANIPULATE_WINDOW = 't';
const REPORT_FOCUS = 1004;
const CLIPBOARD = 52;
const LINK = 8;
/** Links on the rows there are: xterm visits all of them whenever it drops a row. */
const MAX_LINKS = 1_000;
/** The colours of the palette, of text, background and cursor: set or asked for. */
const COLOURS = [4, 10, 11, 12];
const COLOUR_QUERY = /(^|;)\?(;|$)/;

// Every sequence that xterm answers by itself: DA, DSR, DECRQM in all their forms.
const CSI_QUERIES = [
  { final: 'c' },
  { prefix: '>', final: 'c' },
  { prefix: '=', final: 'c' },
  { final: 'n' },
  { prefix: '?', final: 'n' },
  { prefix: '>', final: 'q' },
  { intermediates: '$', final: 'p' },
  { prefix: '?', intermediates: '$', final: 'p' },
];
// Inserting, deleting and scrolling lines, tabs, repeating: xterm does each as often as it is told,
// one after the other, so that ten bytes could keep the page busy for an hour.
const REPEATED = ['L', 'M', 'S', 'T', 'b', 'I', 'Z'];
/** More than any terminal has rows or columns. */
const MAX_REPETITIONS = 1_000;
const STATUS_STRING_QUERY = { intermediates: '$', final: 'q' };

export interface Fence {
  /** The program is answered here from now on, or no longer: it hears of focus if it wanted to. */
  controlled(controls: boolean): void;
}

/**
 * Keeps output from acting on whoever looks at it (guarantee G28).
 *
 * A handler that answers true has dealt with the sequence: xterm's own is not asked.
 */
export function fence(terminal: Terminal, gate: Gate): Fence {
  const { parser } = terminal;
  const silent = () => !gate.mayReply();
  for (const query of CSI_QUERIES) {
    parser.registerCsiHandler(query, silent);
  }
  parser.registerCsiHandler({ final: MANIPULATE_WINDOW }, () => true);
  for (const final of REPEATED) {
    parser.registerCsiHandler({ final }, ([count]) => Number(count) > MAX_REPETITIONS);
  }
  parser.registerDcsHandler(STATUS_STRING_QUERY, silent);
  fenceOsc(parser, silent);
  limitLinks(parser, gate);
  return fenceFocus(terminal, silent);
}

/** A program that wants to hear of focus does so where it is answered, though it asked elsewhere. */
function fenceFocus(terminal: Terminal, silent: () => boolean): Fence {
  let isWanted = false;
  let isOurs = false;
  const remember = (is: boolean) => (modes: (number | number[])[]) => {
    if (isOurs || !modes.includes(REPORT_FOCUS)) return false;
    isWanted = is;
    return is && silent();
  };
  terminal.parser.registerCsiHandler({ prefix: '?', final: 'h' }, remember(true));
  terminal.parser.registerCsiHandler({ prefix: '?', final: 'l' }, remember(false));
  return {
    controlled(controls) {
      if (!isWanted) return;
      terminal.write('', () => {
        isOurs = true;
      });
      terminal.write(`\x1b[?${REPORT_FOCUS}${controls ? 'h' : 'l'}`, () => {
        isOurs = false;
      });
    },
  };
}

/** Beyond the limit text stays text. Whether a link has gone is not told, so count by rows. */
function limitLinks(parser: IParser, gate: Gate): void {
  let links = 0;
  let countedFrom = gate.droppedRows();
  parser.registerOscHandler(LINK, (data) => {
    const dropped = gate.droppedRows();
    if (dropped - countedFrom > gate.maxRows()) {
      links = 0;
      countedFrom = dropped;
    }
    const isEnd = data.endsWith(';');
    if (!isEnd) links += 1;
    return !isEnd && links > MAX_LINKS;
  });
}

/** What a program may change of the terminal's colours, undone. */
export const RESTORE_COLOURS = '\x1b]104\x07\x1b]110\x07\x1b]111\x07\x1b]112\x07';

function fenceOsc(parser: IParser, silent: () => boolean): void {
  parser.registerOscHandler(CLIPBOARD, () => true);
  for (const colour of COLOURS) {
    parser.registerOscHandler(colour, (data) => COLOUR_QUERY.test(data) && silent());
  }
}
