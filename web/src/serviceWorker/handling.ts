/** What the service worker does with a request. */
export type Handling =
  /** Asks the hub, and shows the page it has kept if the hub does not answer. */
  | 'page'
  /** A file of the page, which never changes: from where it was kept. */
  | 'file'
  /** None of its business: what the API says is never kept. */
  | 'hub';

interface Asked {
  readonly url: string;
  readonly method: string;
  readonly mode: string;
}

const FILES_PREFIX = '/assets/';
const API_PREFIX = '/api/';

export function handlingOf(request: Asked, origin: string): Handling {
  const url = new URL(request.url);
  if (url.origin !== origin || request.method !== 'GET') return 'hub';
  if (url.pathname.startsWith(API_PREFIX)) return 'hub';
  if (request.mode === 'navigate') return 'page';
  return url.pathname.startsWith(FILES_PREFIX) ? 'file' : 'hub';
}
