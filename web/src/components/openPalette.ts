import { Store } from '../live/store';

/** Somebody wants the palette, which is loaded apart from the page. */
export const paletteAsked = new Store(false);

/** Opens it from anywhere. */
export const palette = { open: () => paletteAsked.set(true) };
