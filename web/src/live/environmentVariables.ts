/** One variable for a command's environment; null: its value was not given yet. */
export interface Variable {
  readonly name: string;
  readonly value: string | null;
}

/** The variables in text as `env` prints it, or as it is kept in files: `NAME=value`, one a line. */
export function parseVariables(text: string): Variable[] {
  return text
    .split('\n')
    .map((line) => line.trim().replace(/^export\s+/, ''))
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const at = line.indexOf('=');
      return at === -1
        ? { name: line, value: '' }
        : { name: line.slice(0, at).trim(), value: unquoted(line.slice(at + 1).trim()) };
    });
}

/** What is wrong with these; null if nothing is. Rows without anything in them do not count. */
export function problemOfVariables(variables: readonly Variable[]): string | null {
  const names = new Set<string>();
  for (const { name, value } of variables) {
    if (name === '' && !value) continue;
    if (name === '') return `The variable with the value ${value} has no name.`;
    if (name.includes('=')) return `A variable's name has no “=” in it: ${name}.`;
    if (value === null) return `Give ${name} a value, or remove it: the hub shows no values.`;
    if (names.has(name)) return `${name} is there twice.`;
    names.add(name);
  }
  return null;
}

export function environmentOf(variables: readonly Variable[]): Record<string, string> {
  return Object.fromEntries(
    variables.filter(({ name }) => name !== '').map(({ name, value }) => [name, value ?? '']),
  );
}

function unquoted(value: string): string {
  const quote = value.charAt(0);
  const isQuoted = value.length > 1 && (quote === '"' || quote === "'") && value.endsWith(quote);
  return isQuoted ? value.slice(1, -1) : value;
}
