import { SERVICE_WORKER } from '../live/trustedTypes';

/** From now on the page opens without the hub too. */
export function registerServiceWorker(): void {
  if (import.meta.env.PROD && 'serviceWorker' in navigator) {
    // Private windows and insecure addresses refuse it; the page is the same without.
    navigator.serviceWorker.register(SERVICE_WORKER, { updateViaCache: 'none' }).catch(() => {});
  }
}

/**
 * A hub that was upgraded has the files of this page no more. The page is loaded anew when one is
 * missing, but only for another version: nothing else is repaired by it.
 */
export function reloadAfterUpgrades(): void {
  addEventListener('vite:preloadError', () => void reloadIfUpgraded());
}

async function reloadIfUpgraded(): Promise<void> {
  const answer = await fetch('/', { cache: 'no-store' }).catch(() => null);
  const page = answer?.ok ? await answer.text() : null;
  const ownName = new URL(import.meta.url).pathname;
  if (page !== null && !page.includes(ownName)) location.reload();
}
