import type { Plugin, Rolldown } from 'vite';

export const SERVICE_WORKER = 'serviceWorker';

const VERSION_BYTES = 8;
const PLACEHOLDER = '__SHELL__';
const KEPT = /\.(js|css|svg)$|-latin-(wght|\d+)-normal.*\.woff2$/;
/** The fonts every page shows; the other ranges and weights wait until they are needed. */
const FIRST_FONTS = /-latin-(wght|400)-normal.*\.woff2$/;

/** Fallbacks of fonts for browsers older than `build.target`. */
const UNUSED = /\.woff$/;

/** Writes the page's files into the service worker, and its fonts into the page's head. */
export function shell(): Plugin {
  return {
    name: 'arbor-shell',
    apply: 'build',
    transformIndexHtml: {
      order: 'post',
      handler: (_html, { bundle }) =>
        Object.keys(bundle ?? {})
          .filter((name) => FIRST_FONTS.test(name))
          .map((name) => ({
            tag: 'link',
            attrs: {
              rel: 'preload',
              as: 'font',
              type: 'font/woff2',
              crossorigin: true,
              href: `/${name}`,
            },
            injectTo: 'head',
          })),
    },
    generateBundle: {
      order: 'post',
      async handler(_options, bundle) {
        for (const name of Object.keys(bundle).filter((each) => UNUSED.test(each))) {
          delete bundle[name];
        }
        const worker = bundle[`${SERVICE_WORKER}.js`];
        if (worker?.type !== 'chunk' || worker.imports.length > 0) {
          this.error('the service worker has to be one file');
        }
        worker.code = worker.code.replaceAll(PLACEHOLDER, JSON.stringify(await list(bundle)));
      },
    },
  };
}

async function list(bundle: Rolldown.OutputBundle) {
  const names = Object.keys(bundle).filter((name) => name !== `${SERVICE_WORKER}.js`);
  const page = bundle['index.html'];
  const text = `${names.sort().join('\n')}\n${page?.type === 'asset' ? page.source : ''}`;
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
  const bytes = [...new Uint8Array(digest).slice(0, VERSION_BYTES)];
  const version = bytes.map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return { version, files: names.filter((name) => KEPT.test(name)).map((name) => `/${name}`) };
}
