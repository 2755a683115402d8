import { type CSSVariablesResolver, createTheme, type MantineColorsTuple } from '@mantine/core';

/** From the lightest to the darkest; 6 and 4 are the accents of light and dark pages. */
const LEAF: MantineColorsTuple = [
  '#eef7f1',
  '#ddefe4',
  '#bfe0cc',
  '#97cfae',
  '#6cc08c',
  '#479a68',
  '#2f7d4f',
  '#276943',
  '#1f5637',
  '#17432a',
];

export const theme = createTheme({
  primaryColor: 'leaf',
  primaryShade: { light: 6, dark: 4 },
  autoContrast: true,
  colors: { leaf: LEAF },
  fontFamily: 'var(--interface)',
  fontFamilyMonospace: 'var(--code)',
  defaultRadius: 8,
  cursorType: 'pointer',
  respectReducedMotion: true,
  fontSizes: { xs: '12px', sm: '13px', md: '14px', lg: '16px', xl: '20px' },
  components: {
    Button: { defaultProps: { size: 'sm', variant: 'default' } },
    ActionIcon: { defaultProps: { variant: 'subtle', color: 'gray' } },
    Modal: { defaultProps: { centered: true, radius: 12 } },
    Tooltip: { defaultProps: { openDelay: 400, withArrow: false } },
    Menu: { defaultProps: { shadow: 'md', position: 'bottom-end' } },
  },
});

/** The library's own colours are ours, so that there is one palette: `styles/base.css`. */
export const cssVariablesResolver: CSSVariablesResolver = () => ({
  variables: {},
  light: colors(),
  dark: colors(),
});

function colors(): Record<string, string> {
  return {
    '--mantine-color-body': 'var(--panel)',
    '--mantine-color-text': 'var(--ink)',
    '--mantine-color-dimmed': 'var(--muted)',
    '--mantine-color-placeholder': 'var(--muted)',
    '--mantine-color-error': 'var(--red)',
    '--mantine-color-anchor': 'var(--leaf)',
    '--mantine-color-default': 'var(--panel)',
    '--mantine-color-default-color': 'var(--ink)',
    '--mantine-color-default-border': 'var(--line-strong)',
    '--mantine-color-default-hover': 'var(--background)',
    '--mantine-primary-color-contrast': 'var(--on-leaf)',
  };
}

/** The library's own place for it. */
const COLOR_SCHEME_KEY = 'mantine-color-scheme-value';

/** Before anything is drawn, so that no dark page begins with a white one. */
export function applyColorScheme(): void {
  const chosen = localStorage.getItem(COLOR_SCHEME_KEY);
  const isDark =
    chosen === 'dark' || (chosen !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches);
  document.documentElement.dataset.mantineColorScheme = isDark ? 'dark' : 'light';
}
