import { joined, MAX_STRING_BYTES } from './controlStrings';

/** Longer than any sequence that is drawn; what is longer is left out. */
const MAX_SEQUENCE_BYTES = 256;

const BELL = 0x07;
const LINE_FEED = 0x0a;
const CANCEL = 0x18;
const SUBSTITUTE = 0x1a;
const ESCAPE = 0x1b;
const SPACE = 0x20;
const FIRST_PARAMETER = 0x30;
const FIRST_PREFIX = 0x3c;
const FIRST_FINAL = 0x40;
const DELETE = 0x7f;
/** UTF-8 of U+0080 to U+009F begins so; terminals obey them as ESC and a letter (ECMA-48, 5.3). */
const C1_LEAD = 0xc2;
const C1_DISTANCE = 0x40;

const bytesOf = (text: string) => new TextEncoder().encode(text);
const finals = (text: string): ReadonlySet<number> => new Set(bytesOf(text));
const code = (character: string) => character.charCodeAt(0);

/** Colours, and what moves, erases, inserts or deletes within the line that is being written. */
const WITHIN_LINE = finals('mKCDG`aX@PIZb');
/** What goes to another row, moves rows about, or goes back to a place that was kept. */
const TO_OTHER_ROWS = finals('ABEFHLMSTdefru');
const ESCAPES_TO_OTHER_ROWS = finals('M8');
const ESCAPES_TO_NEXT_ROW = finals('DE');
const LEFT_OUT_ESCAPES = finals('679');
const STRINGS = finals('PX^_');
const OTHER_SCREENS = ['47', '1047', '1049'];

const NEW_LINE = bytesOf('\r\n');
const NO_GRAPHICS = bytesOf('\x1b[0m');
const ERASE_TO_LINE_END = bytesOf('\x1b[K');
const STRING_TERMINATOR = bytesOf('\x1b\\');
/** Between a kept and a restored cursor, so that the program's colours go on after it. */
const NOTE = bytesOf('\x1b7\x1b[0;2m─ screen cleared here ─\x1b[0m\x1b8\r\n');

export interface Taken {
  /** So many of the bytes were taken: all of them, unless a row was added. */
  readonly used: number;
  readonly data: Uint8Array;
  /** `data` ends with a row that no line feed of the output made. */
  readonly addsRow: boolean;
}

/**
 * Keeps a program without a terminal from erasing lines that it wrote.
 *
 * Its output is a log: only the line that is being written may be drawn over, as progress bars do.
 * What clears the screen or goes to another one becomes a note, what goes to another row goes on
 * below, and what else acts on more than the line (modes, margins) is left out. A sequence is passed
 * on as a whole or not at all, in the form with ESC, so that the terminal reads it as it was read
 * here. Bytes are cut after a row that is added, so that rows can be told from bytes by counting
 * line feeds. States are those of the VT500 parser (https://vt100.net/emu/dec_ansi_parser).
 */
export class KeptLines {
  #state: 'text' | 'escape' | 'csi' | 'osc' | 'string' = 'text';
  // Of a sequence that has not ended: its bytes of before, and where it goes on in this part.
  #held: number[] = [];
  #begin = 0;
  #isFirst = false;
  #hasPrefix = false;
  #hasIntermediate = false;
  #isTooLong = false;
  // The sequence's ESC ends a string, which has to be ended if the sequence is left out.
  #endsString = false;
  #stringBytes = 0;
  // The last part ended with what may be the first half of a control character.
  #hasLead = false;
  // Whether the line that is being written has text, and whether any line was since the last note.
  #hasText = false;
  #hasLines = false;

  /** What to draw of bytes that go on where the last ones taken ended. */
  take(bytes: Uint8Array): Taken {
    const part = new Part(bytes);
    this.#begin = 0;
    let at = this.#hasLead ? this.#afterLead(bytes, part) : 0;
    while (at < bytes.length && part.rows === 0) {
      if (this.#state === 'text') at = this.#text(bytes, at, part);
      else if (this.#state === 'escape' || this.#state === 'csi') {
        at = this.#sequence(bytes, at, part);
      } else at = this.#string(bytes, at, part);
    }
    if (this.#state === 'escape' || this.#state === 'csi') this.#hold(bytes, at, part);
    return { used: at, data: part.drawn(at), addsRow: part.rows > 0 };
  }

  /** What comes next is of another place. */
  reset(): void {
    this.#state = 'text';
    this.#held = [];
    this.#hasLead = false;
    this.#hasText = false;
    this.#hasLines = false;
  }

  /** A row was drawn that is none of the output's, and the cursor is below it. */
  rowAdded(): void {
    this.#hasText = false;
  }

  // ── text ───────────────────────────────────────────────────────────────────────────────────

  #text(bytes: Uint8Array, from: number, part: Part): number {
    const control = part.nextControl(from);
    this.#wrote(bytes, from, control);
    if (control === bytes.length) return control;
    if (bytes[control] === ESCAPE) {
      this.#start(control);
      return control + 1;
    }
    return this.#lead(bytes, control, part);
  }

  /** Read backwards, for the last printable character or line feed says all. */
  #wrote(bytes: Uint8Array, from: number, to: number): void {
    for (let at = to - 1; at >= from; at -= 1) {
      const byte = bytes[at] as number;
      if (byte === LINE_FEED || (byte >= SPACE && byte !== DELETE)) {
        this.#hasText = byte !== LINE_FEED;
        this.#hasLines = true;
        return;
      }
    }
  }

  /** The first half of what may be a control character, in text or in a string. */
  #lead(bytes: Uint8Array, at: number, part: Part): number {
    if (at + 1 === bytes.length) {
      this.#hasLead = true;
      part.replace(at, at + 1);
      return at + 1;
    }
    return this.#c1(bytes[at + 1] as number, at, at + 2, part);
  }

  #afterLead(bytes: Uint8Array, part: Part): number {
    const byte = bytes[0];
    if (byte === undefined) return 0;
    this.#hasLead = false;
    if (isC1(byte)) return this.#c1(byte, 0, 1, part);
    part.replace(0, 0, Uint8Array.of(C1_LEAD));
    if (this.#state === 'text') this.#wrote(LEAD_ALONE, 0, 1);
    return 0;
  }

  /** A control character of two bytes, up to `end`: the same as ESC and a letter. */
  #c1(byte: number, at: number, end: number, part: Part): number {
    part.replace(at, end);
    this.#start(end);
    const final = byte - C1_DISTANCE;
    this.#held = [ESCAPE, final];
    this.#endEscape(final, end, part);
    return end;
  }

  // ── sequences ──────────────────────────────────────────────────────────────────────────────

  #start(begin: number): void {
    this.#endsString = this.#state === 'osc' || this.#state === 'string';
    this.#state = 'escape';
    this.#begin = begin;
    this.#held = [];
    this.#isFirst = true;
    this.#hasPrefix = false;
    this.#hasIntermediate = false;
    this.#isTooLong = false;
  }

  #sequence(bytes: Uint8Array, at: number, part: Part): number {
    const byte = bytes[at] as number;
    if (byte >= SPACE && byte < DELETE) {
      if (this.#state === 'csi' && byte >= FIRST_FINAL) this.#endCsi(byte, bytes, at, part);
      else if (this.#state === 'escape' && byte >= FIRST_PARAMETER) {
        this.#endEscape(byte, at + 1, part);
      } else this.#collect(byte, at, part);
      return at + 1;
    }
    if (byte === ESCAPE) {
      this.#leaveOut(at, part);
      this.#start(at);
      return at + 1;
    }
    if (byte > DELETE || byte === CANCEL || byte === SUBSTITUTE) {
      const end = byte > DELETE ? at : at + 1;
      this.#leaveOut(end, part);
      return end;
    }
    // Obeyed at once, in the middle of the sequence.
    this.#hold(bytes, at, part);
    this.#endString(part, at);
    if (byte === DELETE) part.replace(at, at + 1);
    else this.#wrote(bytes, at, at + 1);
    this.#begin = at + 1;
    return at + 1;
  }

  #collect(byte: number, at: number, part: Part): void {
    this.#hasPrefix ||= this.#isFirst && byte >= FIRST_PREFIX;
    this.#hasIntermediate ||= byte < FIRST_PARAMETER;
    this.#isFirst = false;
    if (this.#held.length + at - this.#begin < MAX_SEQUENCE_BYTES) return;
    this.#isTooLong = true;
    this.#held = [];
    part.replace(this.#begin, at + 1);
    this.#begin = at + 1;
  }

  #endEscape(final: number, end: number, part: Part): void {
    if (this.#isTooLong) {
      this.#leaveOut(end, part);
    } else if (this.#hasIntermediate) {
      // Character sets; not the test pattern, which is drawn over everything.
      if (final === code('8')) this.#leaveOut(end, part);
      else this.#pass(part);
    } else if (final === code('[')) {
      this.#state = 'csi';
    } else if (final === code(']') || STRINGS.has(final)) {
      this.#pass(part);
      this.#state = final === code(']') ? 'osc' : 'string';
      this.#stringBytes = 0;
    } else if (final === code('c')) {
      this.#clear(end, part, NO_GRAPHICS);
    } else if (ESCAPES_TO_OTHER_ROWS.has(final)) {
      this.#goBelow(end, part);
    } else if (LEFT_OUT_ESCAPES.has(final)) {
      this.#leaveOut(end, part);
    } else {
      if (ESCAPES_TO_NEXT_ROW.has(final)) this.#hasText = false;
      this.#pass(part);
    }
  }

  #endCsi(final: number, bytes: Uint8Array, at: number, part: Part): void {
    const end = at + 1;
    const isPrivate = this.#hasPrefix;
    if (this.#isTooLong || this.#hasIntermediate) {
      const isReset = final === code('p') && !this.#isTooLong;
      this.#leaveOut(end, part, isReset ? NO_GRAPHICS : undefined);
    } else if (final === code('J')) {
      // Below the line that is being written there is nothing.
      if (Number(this.#parameters(bytes, at)[0]) === 0) {
        this.#leaveOut(end, part, ERASE_TO_LINE_END);
      } else this.#clear(end, part);
    } else if (isPrivate ? final === code('K') : WITHIN_LINE.has(final)) {
      this.#pass(part);
    } else if (!isPrivate && TO_OTHER_ROWS.has(final)) {
      this.#goBelow(end, part);
    } else if (isPrivate && (final === code('h') || final === code('l'))) {
      const modes = this.#parameters(bytes, at);
      const isOther = modes.some((mode) => OTHER_SCREENS.includes(mode));
      if (isOther && final === code('h')) this.#clear(end, part);
      else if (isOther) this.#goBelow(end, part);
      else this.#leaveOut(end, part);
    } else {
      this.#leaveOut(end, part);
    }
  }

  #parameters(bytes: Uint8Array, at: number): string[] {
    const sequence = [...this.#held, ...bytes.subarray(this.#begin, at)].slice(CSI_BYTES);
    return String.fromCharCode(...sequence)
      .replace(PREFIX, '')
      .split(';');
  }

  // ── what becomes of them ───────────────────────────────────────────────────────────────────

  #clear(end: number, part: Part, instead?: Uint8Array): void {
    this.#leaveOut(end, part, instead);
    if (!this.#hasLines) return;
    if (this.#hasText) part.replace(end, end, NEW_LINE);
    part.addRow(end, NOTE);
    this.#hasText = false;
    this.#hasLines = false;
  }

  #goBelow(end: number, part: Part): void {
    this.#leaveOut(end, part);
    if (!this.#hasText) return;
    part.addRow(end, NEW_LINE);
    this.#hasText = false;
  }

  #pass(part: Part): void {
    if (this.#held.length > 0) part.replace(this.#begin, this.#begin, Uint8Array.from(this.#held));
    this.#held = [];
    this.#endsString = false;
    this.#state = 'text';
  }

  #leaveOut(end: number, part: Part, instead?: Uint8Array): void {
    part.replace(this.#begin, end);
    this.#endString(part, end);
    if (instead !== undefined) part.replace(end, end, instead);
    this.#held = [];
    this.#state = 'text';
  }

  #endString(part: Part, at: number): void {
    if (this.#endsString) part.replace(at, at, STRING_TERMINATOR);
    this.#endsString = false;
  }

  /** It goes on after something else, or in the next part. */
  #hold(bytes: Uint8Array, to: number, part: Part): void {
    for (let at = this.#begin; at < to; at += 1) this.#held.push(bytes[at] as number);
    part.replace(this.#begin, to);
    this.#begin = to;
  }

  // ── strings for the terminal itself ────────────────────────────────────────────────────────

  #string(bytes: Uint8Array, from: number, part: Part): number {
    const isOsc = this.#state === 'osc';
    for (let at = from; at < bytes.length; at += 1) {
      const byte = bytes[at] as number;
      if (byte === C1_LEAD && (at + 1 === bytes.length || isC1(bytes[at + 1]))) {
        return this.#lead(bytes, at, part);
      }
      if (byte >= SPACE) continue;
      if (byte === ESCAPE) {
        this.#start(at);
        return at + 1;
      }
      // One that is not ended would swallow the lines after it.
      const isRunaway = isOsc || this.#stringBytes + at - from > MAX_STRING_BYTES;
      const isEnd = byte === CANCEL || byte === SUBSTITUTE || (byte === BELL && isOsc);
      if (isEnd || (byte === LINE_FEED && isRunaway)) {
        if (!isEnd) part.replace(at, at, Uint8Array.of(CANCEL));
        this.#state = 'text';
        return isEnd ? at + 1 : at;
      }
    }
    this.#stringBytes += bytes.length - from;
    return bytes.length;
  }
}

const LEAD_ALONE = Uint8Array.of(C1_LEAD);
/** `ESC [`. */
const CSI_BYTES = 2;
const PREFIX = /^[<=>?]/;

function isC1(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x80 && byte < 0xa0;
}

/** What is drawn of some bytes: all of them, but for what is replaced, from the first to the last. */
class Part {
  /** Rows that were added. */
  rows = 0;
  readonly #bytes: Uint8Array;
  #kept: Uint8Array[] = [];
  #from = 0;
  #nextEscape = -1;
  #nextLead = -1;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  replace(from: number, to: number, by?: Uint8Array): void {
    if (from > this.#from) this.#kept.push(this.#bytes.subarray(this.#from, from));
    if (by !== undefined) this.#kept.push(by);
    this.#from = to;
  }

  addRow(at: number, row: Uint8Array): void {
    this.replace(at, at, row);
    this.rows += 1;
  }

  /** What is drawn of all up to `end`. */
  drawn(end: number): Uint8Array {
    const rest = this.#bytes.subarray(this.#from, end);
    return this.#kept.length === 0 ? rest : joined([...this.#kept, rest]);
  }

  /** Index of the next control character that begins something, or the end of the bytes. */
  nextControl(from: number): number {
    const bytes = this.#bytes;
    if (this.#nextEscape < from) this.#nextEscape = indexOf(bytes, ESCAPE, from);
    while (this.#nextLead < from || !this.#isControl(this.#nextLead)) {
      this.#nextLead = indexOf(bytes, C1_LEAD, Math.max(from, this.#nextLead + 1));
    }
    return Math.min(this.#nextEscape, this.#nextLead);
  }

  /** Also of a first half whose other half is not here yet. */
  #isControl(lead: number): boolean {
    return lead + 1 >= this.#bytes.length || isC1(this.#bytes[lead + 1]);
  }
}

function indexOf(bytes: Uint8Array, byte: number, from: number): number {
  const found = bytes.indexOf(byte, from);
  return found < 0 ? bytes.length : found;
}
