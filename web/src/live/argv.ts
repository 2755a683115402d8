export type Split = { ok: true; argv: string[] } | { ok: false; problem: string };

const BLANK = /[ \t\n]/;
// What a backslash takes the meaning of inside double quotes (POSIX.1-2024, XCU 2.2.3).
const ESCAPED_IN_DOUBLE_QUOTES = '$`"\\';
// Redirections and operators; `$NAME` and `$(…)`; `*.py`; `~`; `NAME=value` as the first word is rarer.
const SHELL_WORD = /^(?:\d?>>?(?:&\d)?|<|\||\|\||&&|&|;)$|^\d?>[^=]|;$|\$[\w({]|[*?]|^~(?:\/|$)/;
const SAFE = /^[\w@%+=:,./-]+$/;

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

/** The first of the arguments that only a shell would take for more than text; null: none is. */
export function shellWord(argv: readonly string[]): string | null {
  return argv.find((argument) => SHELL_WORD.test(argument)) ?? null;
}

/** The command line that `splitCommandLine` makes this list of. */
export function joinCommandLine(argv: readonly string[]): string {
  return argv.map(quoted).join(' ');
}

function quoted(argument: string): string {
  return SAFE.test(argument) ? argument : `'${argument.replaceAll("'", `'\\''`)}'`;
}
