import type { EndNotice } from './notifications';
import type { OpenTask } from './openTask';
import { Store } from './store';

/** `impossible`: this browser, or this address, has none. `blocked`: its user said no to it. */
export type NotifyPermission = 'impossible' | 'blocked' | 'unasked' | 'granted';

const ICON = '/icons/arbor-192.png';

/** What the browser lets this page do. */
export const notifyPermission = new Store<NotifyPermission>(readPermission());

/** Asks the user, in the browser's own words; to be called when they want it. */
export async function askToNotify(): Promise<NotifyPermission> {
  if (notifyPermission.get() === 'unasked') await Notification.requestPermission();
  notifyPermission.set(readPermission());
  return notifyPermission.get();
}

/** Shows it, with `open` for when it is clicked. */
export async function showNotice(notice: EndNotice, open: (taskId: string) => void): Promise<void> {
  if (readPermission() !== 'granted') return;
  const { taskId, title, body } = notice;
  const options = { body, icon: ICON, tag: taskId, data: { openTask: taskId } satisfies OpenTask };
  try {
    const notification = new Notification(title, options);
    notification.onclick = () => {
      notification.close();
      window.focus();
      open(taskId);
    };
  } catch {
    // Phones let only service workers show one; the click comes back as a message.
    const registration = await navigator.serviceWorker.getRegistration();
    await registration?.showNotification(title, options);
  }
}

/** Clicks on what the service worker showed; the function returned ends it. */
export function onOpenTask(open: (taskId: string) => void): () => void {
  const { serviceWorker } = navigator as { serviceWorker?: ServiceWorkerContainer };
  const onMessage = ({ data }: MessageEvent<OpenTask>) => open(data.openTask);
  serviceWorker?.addEventListener('message', onMessage);
  return () => serviceWorker?.removeEventListener('message', onMessage);
}

function readPermission(): NotifyPermission {
  if (!('Notification' in globalThis) || !isSecureContext) return 'impossible';
  switch (Notification.permission) {
    case 'granted':
      return 'granted';
    case 'denied':
      return 'blocked';
    case 'default':
      return 'unasked';
  }
}
