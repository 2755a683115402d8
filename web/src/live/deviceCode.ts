const CODE_CHARS = 8;
const HALF = CODE_CHARS / 2;

/** A code as it is typed or pasted, as the terminal shows it: `ABCD-EFGH`, or the part there is. */
export function formatDeviceCode(typed: string): string {
  const code = letters(typed);
  return code.length > HALF ? `${code.slice(0, HALF)}-${code.slice(HALF)}` : code;
}

export function isDeviceCode(typed: string): boolean {
  return letters(typed).length === CODE_CHARS;
}

function letters(typed: string): string {
  return typed
    .toUpperCase()
    .replaceAll(/[^A-Z0-9]/g, '')
    .slice(0, CODE_CHARS);
}
