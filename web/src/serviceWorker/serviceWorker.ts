/**
 * Keeps the files of this version of the page, so that it opens without the hub. Nothing the API
 * says is kept. It never takes over open pages: those of an older version keep their own worker
 * and files, and an address is always asked of the hub first, so that an upgrade is seen at once.
 */

import type { OpenTask } from '../live/openTask';
import { handlingOf } from './handling';

/** Written in by the build: the files of this version. */
declare const __SHELL__: { readonly version: string; readonly files: readonly string[] };
declare const self: ServiceWorkerGlobalScope;

const CACHE_PREFIX = 'arbor-';
const { version, files } = __SHELL__;
const CACHE = `${CACHE_PREFIX}${version}`;
const PAGE = '/';
/** For an address to be answered; a hub that is not there must not keep the page from opening. */
const PATIENCE_MS = 3_000;

self.addEventListener('install', (event) => event.waitUntil(keepFiles()));
self.addEventListener('activate', (event) => event.waitUntil(forgetOldFiles()));
self.addEventListener('fetch', (event) => {
  switch (handlingOf(event.request, self.location.origin)) {
    case 'page':
      event.respondWith(openPage(event.request));
      break;
    case 'file':
      event.respondWith(openFile(event.request));
      break;
    case 'hub':
      break;
  }
});
self.addEventListener('notificationclick', (event) => {
  event.notification.close();
  event.waitUntil(openTask(event.notification.data));
});

async function keepFiles(): Promise<void> {
  const cache = await caches.open(CACHE);
  await cache.addAll([new Request(PAGE, { cache: 'reload' }), ...files]);
}

async function forgetOldFiles(): Promise<void> {
  const names = await caches.keys();
  const old = names.filter((name) => name.startsWith(CACHE_PREFIX) && name !== CACHE);
  await Promise.all(old.map((name) => caches.delete(name)));
}

async function openPage(request: Request): Promise<Response> {
  let answer: Response | undefined;
  try {
    answer = await fetch(request, { signal: AbortSignal.timeout(PATIENCE_MS) });
  } catch {
    // Offline, or the hub is away.
  }
  if (answer !== undefined && answer.status < 500) return answer;
  const kept = await caches.match(PAGE, { cacheName: CACHE });
  return kept ?? answer ?? Response.error();
}

/** A page of ours goes there; without one, a new one does. */
async function openTask(clicked: OpenTask): Promise<void> {
  const [page] = await self.clients.matchAll({ type: 'window', includeUncontrolled: true });
  if (page === undefined) {
    await self.clients.openWindow(`/tasks/${encodeURIComponent(clicked.openTask)}`);
  } else {
    page.postMessage(clicked);
    await page.focus();
  }
}

async function openFile(request: Request): Promise<Response> {
  return (await caches.match(request, { cacheName: CACHE })) ?? fetch(request);
}
