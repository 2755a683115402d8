/** As the style sheet of the fonts calls it. */
export const PAGE_FONT_NAME = 'JetBrains Mono';
export const PAGE_FONT = `"${PAGE_FONT_NAME}", ui-monospace, Menlo, Consolas, monospace`;
