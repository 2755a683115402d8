import { byteEscape, replaceBytes, textOfByte } from './octets';

export type Split = { ok: true; argv: string[] } | { ok: false; problem: string };

const BLANK = /[ \t\n]/;
// What a backslash takes the meaning of inside double quotes (POSIX.1-2024, XCU 2.2.3).
const ESCAPED_IN_DOUBLE_QUOTES = '$`"\\';
// Redirections and operators; `$NAME` and `$(…)`; `*.py`; `~`; `NAME=value` as the first word is rarer.
const SHELL_WORD = /^(?:\d?>>?(?:&\d)?|<|\||\|\||&&|&|;)$|^\d?>[^=]|;$|\$[\w({]|[*?]|^~(?:\/|$)/;
const SAFE = /^[\w@%+=:,./-]+$/;

// What a backslash stands for inside $'…' (POSIX.1-2024, XCU 2.2.4), beside \xHH.
const ESCAPES: Record<string, string> = {
  '\\': '\\',
  "'": "'",
  '"': '"',
  a: '\x07',
  b: '\b',
  e: '\x1b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};
const HEXADECIMAL = /^x([\da-fA-F]{2})/;

/**
 * Split a command line into arguments as a POSIX shell would, quotes and backslashes included.
 *
 * Nothing is expanded: there is no shell, so `*`, `$HOME`, `|` and `>` are ordinary characters.
 */
export function splitCommandLine(line: string): Split {
  const argv: string[] = [];
  let word: string | null = null;
  let quote: '"' | "'" | null = null;
  for (let at = 0; at < line.length; at += 1) {
    const char = line.charAt(at);
    const next = line.charAt(at + 1);
    if (quote === "'") {
      if (char === "'") quote = null;
      else word += char;
    } else if (char === '$' && next === "'" && quote === null) {
      const read = readDollarQuotes(line, at + 2);
      if (!read.ok) return read;
      word = (word ?? '') + read.text;
      at = read.last;
    } else if (char === '\\' && quote === '"') {
      if (next !== '' && ESCAPED_IN_DOUBLE_QUOTES.includes(next)) {
        word += next;
        at += 1;
      } else if (next === '\n') {
        at += 1;
      } else {
        word += char;
      }
    } else if (quote === '"') {
      if (char === '"') quote = null;
      else word += char;
    } else if (char === '\\') {
      if (next === '') {
        return { ok: false, problem: 'A backslash at the end escapes nothing.' };
      }
      if (next !== '\n') word = (word ?? '') + next;
      at += 1;
    } else if (char === "'" || char === '"') {
      quote = char;
      word ??= '';
    } else if (BLANK.test(char)) {
      if (word !== null) argv.push(word);
      word = null;
    } else {
      word = (word ?? '') + char;
    }
  }
  if (quote !== null) {
    return { ok: false, problem: `A ${quote} is not closed.` };
  }
  if (word !== null) argv.push(word);
  return { ok: true, argv };
}

type DollarQuotes = { ok: true; text: string; last: number } | { ok: false; problem: string };

/** What stands between `$'` and the `'` at `last`. */
function readDollarQuotes(line: string, start: number): DollarQuotes {
  let text = '';
  for (let at = start; at < line.length; at += 1) {
    const char = line.charAt(at);
    if (char === "'") return { ok: true, text, last: at };
    if (char !== '\\') {
      text += char;
      continue;
    }
    const byte = HEXADECIMAL.exec(line.slice(at + 1, at + 4))?.[1];
    const escaped = ESCAPES[line.charAt(at + 1)];
    if (byte !== undefined && byte !== '00') {
      text += textOfByte(Number.parseInt(byte, 16));
      at += 3;
    } else if (escaped !== undefined) {
      text += escaped;
      at += 1;
    } else {
      return { ok: false, problem: `${line.slice(at, at + 2)} means nothing inside $'…'.` };
    }
  }
  return { ok: false, problem: "A $' is not closed." };
}

/** The first of the arguments that only a shell would take for more than text; null: none is. */
export function shellWord(argv: readonly string[]): string | null {
  return argv.find((argument) => SHELL_WORD.test(argument)) ?? null;
}

/** The command line that `splitCommandLine` makes this list of. */
export function joinCommandLine(argv: readonly string[]): string {
  return argv.map(quoted).join(' ');
}

function quoted(argument: string): string {
  if (SAFE.test(argument)) return argument;
  const escaped = argument.replaceAll('\\', '\\\\').replaceAll("'", "\\'");
  const withBytes = replaceBytes(escaped, byteEscape);
  return withBytes === escaped ? `'${argument.replaceAll("'", `'\\''`)}'` : `$'${withBytes}'`;
}
