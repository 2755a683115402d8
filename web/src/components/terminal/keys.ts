/** Keys that a phone's keyboard lacks. */
export type OutputKey = 'Escape' | 'Tab' | 'ArrowUp' | 'ArrowDown' | 'ArrowRight' | 'ArrowLeft';

const ARROWS: Partial<Record<OutputKey, string>> = {
  ArrowUp: 'A',
  ArrowDown: 'B',
  ArrowRight: 'C',
  ArrowLeft: 'D',
};

const CTRL_BITS = 0x1f;

/** What a terminal sends for a key. */
export function keySequence(key: OutputKey, applicationCursor: boolean, ctrl: boolean): string {
  const arrow = ARROWS[key];
  if (arrow === undefined) {
    return key === 'Tab' ? '\t' : '\x1b';
  }
  if (ctrl) return `\x1b[1;5${arrow}`;
  return applicationCursor ? `\x1bO${arrow}` : `\x1b[${arrow}`;
}

/** What Ctrl with a character is; the character itself if it is nothing. */
export function withCtrl(character: string): string {
  if (character === ' ') return '\0';
  if (!/^[a-zA-Z@[\\\]^_]$/.test(character)) return character;
  return String.fromCharCode(character.toUpperCase().charCodeAt(0) & CTRL_BITS);
}
