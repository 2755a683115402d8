import type { ITheme } from '@xterm/xterm';

/** Dark in both themes: programs choose their colours for a dark terminal. */
export const palette: ITheme = {
  overviewRulerBorder: '#00000000',
  foreground: '#e4e7e1',
  cursor: '#e4e7e1',
  selectionBackground: '#3c5a48',
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

/** The edge of lines that came from stderr, and their place on the ruler. */
export const STDERR = '#ff8078';
