import { lazy } from 'react';
import { PAGE_FONT_NAME } from './pageFont';

/** A font that takes longer comes too late: the terminal has measured another one by then. */
const FONT_MS = 1_500;

/** The terminal is measured in its own font, so that comes first, if it comes soon. */
async function font(): Promise<void> {
  const late = new Promise((resolve) => setTimeout(resolve, FONT_MS));
  const loaded = document.fonts.load(`13px "${PAGE_FONT_NAME}"`).catch(() => []);
  await Promise.race([loaded, late]);
}

/** The output and what steers it; large, so loaded apart. */
export const LaterTaskScreen = lazy(async () => {
  const [screen] = await Promise.all([import('./TaskScreen'), font()]);
  return screen;
});
