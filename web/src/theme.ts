import {
  type CSSVariablesResolver,
  createTheme,
  defaultVariantColorsResolver,
  type MantineColorsTuple,
  type VariantColorsResolver,
} from '@mantine/core';

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

/** What the library draws on dark pages: 0 to 3 text, 4 borders, 5 what is chosen, 6 inputs, 8 tracks. */
const DARK: MantineColorsTuple = [
  '#e8ebe6',
  '#c3c8c0',
  '#9aa198',
  '#6b726a',
  '#3b423c',
  '#2f3630',
  '#191d1a',
  '#151916',
  '#202521',
  '#0b0d0c',
];

/** The library chooses the text on filled buttons for light pages alone. */
const variantColorResolver: VariantColorsResolver = (input) => {
  const resolved = defaultVariantColorsResolver(input);
  return input.variant === 'filled' ? { ...resolved, color: 'var(--on-leaf)' } : resolved;
};

const CLOSE = { 'aria-label': 'Close' };

export const theme = createTheme({
  primaryColor: 'leaf',
  primaryShade: { light: 6, dark: 4 },
  autoContrast: true,
  variantColorResolver,
  colors: { leaf: LEAF, dark: DARK },
  fontFamily: 'var(--interface)',
  fontFamilyMonospace: 'var(--code)',
  defaultRadius: 8,
  cursorType: 'pointer',
  respectReducedMotion: true,
  fontSizes: { xs: '12px', sm: '13px', md: '14px', lg: '16px', xl: '20px' },
  components: {
    Button: { defaultProps: { size: 'sm', variant: 'default' } },
    ActionIcon: { defaultProps: { variant: 'subtle', color: 'gray' } },
    Checkbox: { defaultProps: { iconColor: 'var(--on-leaf)' } },
    Modal: { defaultProps: { centered: true, radius: 12, closeButtonProps: CLOSE } },
    Drawer: { defaultProps: { closeButtonProps: CLOSE } },
    Tooltip: { defaultProps: { openDelay: 400, withArrow: false } },
    Menu: {
      defaultProps: {
        shadow: 'md',
        position: 'bottom-end',
        // What takes the focus in a menu has to be an item.
        withInitialFocusPlaceholder: false,
      },
    },
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
    '--mantine-color-red-filled': 'var(--red)',
    '--mantine-color-red-filled-hover': 'color-mix(in srgb, var(--red), var(--ink) 15%)',
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
