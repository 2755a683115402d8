import type { Task } from '../protocol/messages';
import { commandLine } from './words';

/** More is wider than any row; the rest would only be laid out and cut off. */
const MAX_CHARACTERS = 500;
const LINE_BREAKS = /\r?\n|[\u2028\u2029]/g;
const LAST_BREAK = /(?:\r?\n|[\u2028\u2029])$/;
/** C0, DEL, C1, and what reorders the text around it (UAX #9, explicit formatting characters). */
const UNSEEN =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is made visible.
  /[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;
const PICTURES = 0x2400;
const PICTURE_OF_DELETE = '\u2421';

/**
 * Text of somebody else's as one row shows it: `⏎` between its lines, `…` where it is cut.
 *
 * Other control characters are shown as pictures, so that neither they nor bidirectional overrides
 * act on the rows around.
 */
export function oneLine(text: string): string {
  const isLong = text.length > MAX_CHARACTERS;
  const shown = isLong ? text.slice(0, MAX_CHARACTERS).replace(/[\ud800-\udbff]$/, '') : text;
  const line = shown
    .replace(LAST_BREAK, '')
    .replaceAll(LINE_BREAKS, ' ⏎ ')
    .replaceAll(UNSEEN, picture);
  return isLong ? `${line} …` : line;
}

/** What a task is called in a row: its title, or else its command. */
export function taskName(task: Task): string {
  return oneLine(task.title ?? commandLine(task));
}

function picture(character: string): string {
  const code = character.charCodeAt(0);
  if (code < 0x20) return String.fromCharCode(PICTURES + code);
  if (code === 0x7f) return PICTURE_OF_DELETE;
  return `<${code.toString(16).toUpperCase().padStart(4, '0')}>`;
}
