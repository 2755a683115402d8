import { Store } from './store';

const STORAGE_KEY = 'arbor.preferences';

export type TerminalPalette = 'arbor' | 'contrast' | 'paper';

/** What one browser's user likes; kept in that browser. */
export interface Preferences {
  /** In CSS pixels, `TERMINAL_FONT_SIZES`. */
  readonly terminalFontSize: number;
  /** A font family installed on this device; null: the page's own. */
  readonly terminalFont: string | null;
  readonly terminalPalette: TerminalPalette;
  /** Have screen readers announce new output. */
  readonly announceOutput: boolean;
  /** Tell when a task that was started here ends while the page is hidden. */
  readonly notify: boolean;
}

export const TERMINAL_FONT_SIZES = { min: 9, max: 24 } as const;

export const DEFAULT_PREFERENCES: Preferences = {
  terminalFontSize: 13,
  terminalFont: null,
  terminalPalette: 'arbor',
  announceOutput: true,
  notify: false,
};

const PALETTES: readonly TerminalPalette[] = ['arbor', 'contrast', 'paper'];

/** Preferences that outlive the page. Whatever was stored, they are valid. */
export class PreferenceStore extends Store<Preferences> {
  readonly #storage: Storage;

  constructor(storage: Storage) {
    super(read(storage));
    this.#storage = storage;
  }

  change(change: Partial<Preferences>): void {
    const preferences = valid({ ...this.get(), ...change });
    this.set(preferences);
    try {
      this.#storage.setItem(STORAGE_KEY, JSON.stringify(preferences));
    } catch {
      // A full or forbidden storage: they hold until the page is closed.
    }
  }
}

function read(storage: Storage): Preferences {
  try {
    const stored: unknown = JSON.parse(storage.getItem(STORAGE_KEY) ?? '{}');
    return valid(typeof stored === 'object' && stored !== null ? stored : {});
  } catch {
    return DEFAULT_PREFERENCES;
  }
}

function valid(stored: Partial<Record<keyof Preferences, unknown>>): Preferences {
  const { terminalFontSize: size, terminalFont: font, terminalPalette, notify } = stored;
  const { min, max } = TERMINAL_FONT_SIZES;
  const isSize = typeof size === 'number' && size >= min && size <= max;
  return {
    terminalFontSize: isSize ? Math.round(size) : DEFAULT_PREFERENCES.terminalFontSize,
    terminalFont: typeof font === 'string' && font.trim() !== '' ? font.trim() : null,
    terminalPalette: PALETTES.find((name) => name === terminalPalette) ?? 'arbor',
    announceOutput: stored.announceOutput !== false,
    notify: notify === true,
  };
}
