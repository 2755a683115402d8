import { UnicodeGraphemesAddon } from '@xterm/addon-unicode-graphemes';
import type { IUnicodeVersionProvider, Terminal } from '@xterm/xterm';

/** Characters in one cell: emoji are made of up to ten. */
export const MAX_JOINED = 16;
const GRAPHEMES = '15-graphemes';
const BOUNDED = 'bounded-graphemes';
/** xterm's packing of what it wants to know of a character: kind, width, whether it joins. */
const JOINS = 1;
const ONE_CELL = 1 << 1;

/** Characters as people see them: emoji and marks in one cell, but never without end. */
export function loadGraphemes(terminal: Terminal): void {
  let graphemes: IUnicodeVersionProvider | null = null;
  const { unicode } = terminal;
  const recording = {
    get versions() {
      return unicode.versions;
    },
    get activeVersion() {
      return unicode.activeVersion;
    },
    set activeVersion(version: string) {
      if (version !== GRAPHEMES) unicode.activeVersion = version;
    },
    register(provider: IUnicodeVersionProvider) {
      if (provider.version === GRAPHEMES) graphemes = provider;
    },
  };
  new UnicodeGraphemesAddon().activate({ unicode: recording } as unknown as Terminal);
  if (graphemes !== null) {
    unicode.register(bounded(graphemes));
    unicode.activeVersion = BOUNDED;
  }
}

function bounded(graphemes: IUnicodeVersionProvider): IUnicodeVersionProvider {
  let joined = 0;
  return {
    version: BOUNDED,
    wcwidth: (codepoint) => graphemes.wcwidth(codepoint),
    charProperties(codepoint, preceding) {
      const properties = graphemes.charProperties(codepoint, preceding);
      if ((properties & JOINS) === 0) {
        joined = 0;
        return properties;
      }
      joined += 1;
      if (joined < MAX_JOINED) {
        return properties;
      }
      joined = 0;
      return ONE_CELL;
    },
  };
}
