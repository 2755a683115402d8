import type { Plugin } from 'vite';

/** Named so in the build; `tools/web_licenses.py` makes the page's licenses of it. */
export const PACKAGES = 'packages.json';

const FOLDER = /^.*[\\/]node_modules[\\/](?:@[^\\/]+[\\/])?[^\\/]+/;
/** What the tools that build the page add to it themselves, by the beginning of its modules. */
const TOOLS: Record<string, string> = { '\0vite/': 'vite', '\0rolldown/': 'rolldown' };

/** Lists the folders of the packages that the page contains, and the tools that add to it. */
export function packages(): Plugin {
  let root = '';
  return {
    name: 'arbor-packages',
    apply: 'build',
    configResolved(config) {
      root = config.root;
    },
    generateBundle(_options, bundle) {
      // A font is no module, and neither is a style sheet that only another one imports.
      const assets = Object.values(bundle).flatMap((each) =>
        each.type === 'asset' ? each.originalFileNames.map((name) => `${root}/${name}`) : [],
      );
      const folders = new Set<string>();
      const tools = new Set<string>();
      for (const id of [...this.getModuleIds(), ...assets]) {
        const tool = Object.entries(TOOLS).find(([prefix]) => id.startsWith(prefix))?.[1];
        // The innermost one: packages have packages of their own.
        const folder = FOLDER.exec(id.replace('\0', '').split('?')[0] ?? '')?.[0];
        if (tool !== undefined) {
          tools.add(`${root}/node_modules/${tool}`);
        } else if (folder !== undefined) {
          folders.add(folder);
        }
      }
      const source = JSON.stringify({ folders: [...folders].sort(), tools: [...tools].sort() });
      this.emitFile({ type: 'asset', fileName: PACKAGES, source });
    },
  };
}
