import { notifications } from '@mantine/notifications';
import { taskUrl } from '../../live/share';

/** Put the address of a task, or of a byte of it, on the clipboard, and say so. */
export async function copyLink(taskId: string, at?: number): Promise<void> {
  const url = taskUrl(location.origin, taskId, at);
  const what = at === undefined ? 'Link copied' : `Link to byte ${at.toLocaleString('en')} copied`;
  try {
    await navigator.clipboard.writeText(url);
    notifications.show({ message: what, autoClose: 2_500 });
  } catch {
    // No clipboard without https, or not allowed: the address can be copied by hand.
    notifications.show({ title: 'Copy this address', message: url, autoClose: false });
  }
}
