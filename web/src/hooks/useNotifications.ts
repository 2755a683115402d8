import { askToNotify, type NotifyPermission, notifyPermission } from '../live/browserNotifications';
import { usePreferences } from './usePreferences';
import { useStore } from './useStore';

export interface NotificationsView {
  /** Ends are told. */
  isOn: boolean;
  permission: NotifyPermission;
  /** On: the browser asks its user, if it has not yet. */
  turn: (on: boolean) => Promise<void>;
}

/** Being told of ends while one looks elsewhere. */
export function useNotifications(): NotificationsView {
  const [{ notify }, change] = usePreferences();
  const permission = useStore(notifyPermission);
  const turn = async (on: boolean) => {
    change({ notify: on && (await askToNotify()) === 'granted' });
  };
  return { isOn: notify && permission === 'granted', permission, turn };
}
