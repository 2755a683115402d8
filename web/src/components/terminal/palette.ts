import type { ITheme } from '@xterm/xterm';
import type { TerminalPalette } from '../../live/preferences';

/** Dark in both themes by default: programs choose their colours for a dark terminal. */
const arbor: ITheme = {
  background: '#101210',
  foreground: '#e4e7e1',
  cursor: '#e4e7e1',
  cursorAccent: '#101210',
  selectionBackground: '#3c5a48',
  selectionInactiveBackground: '#46644f',
  black: '#2a2f2b',
  red: '#ff8078',
  green: '#7fd49b',
  yellow: '#e5c07b',
  blue: '#82b4ff',
  magenta: '#d19af0',
  cyan: '#6fcfd3',
  white: '#d5d9d2',
  brightBlack: '#858c84',
  brightRed: '#ffa39c',
  brightGreen: '#a3e6b8',
  brightYellow: '#f3d79b',
  brightBlue: '#a8ccff',
  brightMagenta: '#e2bcf7',
  brightCyan: '#9be3e6',
  brightWhite: '#ffffff',
};

const contrast: ITheme = {
  ...arbor,
  background: '#000000',
  foreground: '#ffffff',
  cursor: '#ffffff',
  cursorAccent: '#000000',
  white: '#f2f2f2',
  brightBlack: '#a8a8a8',
};

const paper: ITheme = {
  background: '#fcfcfa',
  foreground: '#1d1f1c',
  cursor: '#1d1f1c',
  cursorAccent: '#fcfcfa',
  selectionBackground: '#c5dfce',
  selectionInactiveBackground: '#dbe8df',
  black: '#1d1f1c',
  red: '#b3261e',
  green: '#256b41',
  yellow: '#7d5600',
  blue: '#1f57b5',
  magenta: '#84359c',
  cyan: '#0c6a72',
  white: '#5d615b',
  brightBlack: '#6a6e67',
  brightRed: '#c9352c',
  brightGreen: '#2f7d4f',
  brightYellow: '#8c6100',
  brightBlue: '#2563c9',
  brightMagenta: '#9740b3',
  brightCyan: '#0e7780',
  brightWhite: '#1d1f1c',
};

export const PALETTES: Record<TerminalPalette, ITheme> = { arbor, contrast, paper };

/** What is drawn around the text: marks of stderr, gaps, search hits. */
export interface MarkColours {
  readonly stderr: string;
  readonly gap: string;
  readonly hit: string;
  readonly muted: string;
}

const DARK_MARKS: MarkColours = {
  stderr: '#ff8078',
  gap: '#e2b45c',
  hit: '#f3d34a',
  muted: '#7d847c',
};

const LIGHT_MARKS: MarkColours = {
  stderr: '#c02b30',
  gap: '#96600c',
  hit: '#a07800',
  muted: '#6a6e67',
};

export function marksOf(palette: TerminalPalette): MarkColours {
  return palette === 'paper' ? LIGHT_MARKS : DARK_MARKS;
}
