import type { ITheme } from '@xterm/xterm';
import type { Preferences } from '../../live/preferences';
import { PALETTES } from '../terminal/palette';
import styles from './settings.module.css';

type Colour = 'red' | 'green' | 'yellow' | 'blue' | 'magenta' | 'cyan' | 'brightBlack';
type Piece = string | readonly [Colour, string];

const LINES: readonly (readonly Piece[])[] = [
  [['green', 'ada@gpu-box'], ':', ['blue', '~/runs/vit'], '$ make test'],
  [
    ['brightBlack', '14:42:08'],
    ' epoch 32  loss ',
    ['cyan', '0.7988'],
    '  ',
    ['green', '2,905 img/s'],
  ],
  [['brightBlack', '14:42:12'], ' ', ['yellow', 'warning:'], ' worker 3 was slow (1.4 s)'],
  [['red', 'FAILED'], ' test_resume ', ['magenta', '{0O 1lI}'], ' 12 passed, 1 failed'],
];

/** A piece of output as the terminal would show it. */
export function TerminalSample({ preferences }: { preferences: Preferences }) {
  const { terminalFont, terminalFontSize, terminalPalette } = preferences;
  const theme: ITheme = PALETTES[terminalPalette];
  const style = {
    fontFamily: terminalFont === null ? 'var(--code)' : `"${terminalFont}", var(--code)`,
    fontSize: terminalFontSize,
    color: theme.foreground,
    background: theme.background,
  };
  return (
    <pre className={styles.sample} style={style} role="img" aria-label="Sample of the terminal">
      {LINES.map((line, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the lines never change
        <div key={index}>{line.map((piece) => shown(piece, theme))}</div>
      ))}
    </pre>
  );
}

function shown(piece: Piece, theme: ITheme) {
  if (typeof piece === 'string') return piece;
  const [colour, text] = piece;
  return (
    <span key={text} style={{ color: theme[colour] }}>
      {text}
    </span>
  );
}
