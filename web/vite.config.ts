import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';
import { packages } from './plugins/packages.ts';
import { SERVICE_WORKER, shell } from './plugins/shell.ts';

const WORKERS_OWN = /[\\/]src[\\/]serviceWorker[\\/](serviceWorker|handling)\.ts$/;
const hub = 'http://127.0.0.1:4000';

export default defineConfig({
  plugins: [react(), packages(), shell()],
  build: {
    target: 'es2023',
    // The page's policy allows neither data: addresses nor inline scripts.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      input: {
        index: 'index.html',
        [SERVICE_WORKER]: `src/serviceWorker/${SERVICE_WORKER}.ts`,
      },
      output: {
        // Browsers look for a new service worker where the old one was.
        entryFileNames: ({ name }) =>
          name === SERVICE_WORKER ? '[name].js' : 'assets/[name]-[hash].js',
        // One file packs better than the dozens it is cut into for what is loaded later.
        codeSplitting: {
          groups: [{ name: 'first', tags: ['$initial'], test: (id) => !WORKERS_OWN.test(id) }],
        },
      },
    },
  },
  server: { proxy: { '/api': { target: hub, ws: true } } },
});
