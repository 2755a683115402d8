import type { IBufferRange, ILink, ILinkHandler, ILinkProvider, Terminal } from '@xterm/xterm';

/** Longer ones are no address that anybody meant. */
const MAX_URL_CHARACTERS = 2048;
const MAX_ROWS = 32;
const URL_IN_TEXT = /https?:\/\/[^\s"'<>`{}|\\^]+[^\s"'<>`{}|\\^.,:;!?)\]]/g;

/** Asks whether to go to an address, and goes there. */
export type OpenLink = (url: string) => void;

/** The address as it may be opened; null for anything that is not http(s). */
export function safeUrl(text: string): string | null {
  if (text.length > MAX_URL_CHARACTERS) {
    return null;
  }
  try {
    const url = new URL(text);
    return ['http:', 'https:'].includes(url.protocol) ? url.href : null;
  } catch {
    return null;
  }
}

/** Links that a program declares (OSC 8): what they say may be anything, so nothing but asks. */
export function linkHandler(open: OpenLink): ILinkHandler {
  return {
    allowNonHttpProtocols: false,
    activate(event, text) {
      const url = safeUrl(text);
      if (url !== null && event.button === 0) open(url);
    },
  };
}

/** Addresses in the text, over the rows that a line is wrapped into. */
export function plainLinks(terminal: Terminal, open: OpenLink): ILinkProvider {
  return {
    provideLinks(bufferLineNumber, callback) {
      const links: ILink[] = [];
      const { text, firstRow } = wrappedLine(terminal, bufferLineNumber - 1);
      for (const match of text.matchAll(URL_IN_TEXT)) {
        const url = safeUrl(match[0]);
        const range = rangeOf(terminal.cols, firstRow, match.index, match[0].length);
        if (url !== null && range.start.y <= bufferLineNumber && range.end.y >= bufferLineNumber) {
          links.push({
            range,
            text: match[0],
            activate: (event) => event.button === 0 && open(url),
          });
        }
      }
      callback(links.length === 0 ? undefined : links);
    },
  };
}

function wrappedLine(terminal: Terminal, row: number): { text: string; firstRow: number } {
  const buffer = terminal.buffer.active;
  let firstRow = row;
  while (firstRow > row - MAX_ROWS && buffer.getLine(firstRow)?.isWrapped) firstRow -= 1;
  let text = buffer.getLine(firstRow)?.translateToString(false) ?? '';
  for (let next = firstRow + 1; next < row + MAX_ROWS; next += 1) {
    const line = buffer.getLine(next);
    if (!line?.isWrapped) break;
    text += line.translateToString(false);
  }
  return { text, firstRow };
}

function rangeOf(cols: number, firstRow: number, index: number, length: number): IBufferRange {
  const last = index + length - 1;
  return {
    start: { x: (index % cols) + 1, y: firstRow + Math.floor(index / cols) + 1 },
    end: { x: (last % cols) + 1, y: firstRow + Math.floor(last / cols) + 1 },
  };
}
