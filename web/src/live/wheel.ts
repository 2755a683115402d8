/** Where the hub hands out its own package; it redirects to the file's real name. */
const WHEEL_PATH = '/arbor.whl';
const WHEEL = /^\/(?:.*\/)?arborlink-[^/]+\.whl$/;

/**
 * Return the address of the hub's own package, by the name that installers insist on.
 *
 * A wheel's file name says its version and platform (PyPA, binary distribution format), and pip
 * refuses one that is called otherwise. Without an answer it is the address that redirects.
 */
export async function wheelAddress(origin: string): Promise<string> {
  const asked = origin + WHEEL_PATH;
  try {
    const { ok, url } = await fetch(asked, { method: 'HEAD', credentials: 'same-origin' });
    const found = new URL(url);
    return ok && found.origin === origin && WHEEL.test(found.pathname) ? found.href : asked;
  } catch {
    return asked;
  }
}
