import type { Preferences } from '../live/preferences';
import { useClient } from './useClient';
import { useStore } from './useStore';

/** What this browser's user likes, and how to change it. */
export function usePreferences(): [Preferences, (change: Partial<Preferences>) => void] {
  const { preferences } = useClient();
  return [useStore(preferences), (change) => preferences.change(change)];
}
