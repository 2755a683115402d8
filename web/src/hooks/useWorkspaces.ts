import type { Workspace } from '../protocol/messages';
import { useClient } from './useClient';
import { useStore } from './useStore';

export interface WorkspacesView {
  workspaces: readonly Workspace[];
  loaded: boolean;
  problem: string | null;
}

export function useWorkspaces(): WorkspacesView {
  return useStore(useClient().directory.state);
}

/** Since when nothing is heard live, in milliseconds as `hubNow()`; null: all is as it is now. */
export function useStaleSince(): number | null {
  return useStore(useClient().directory.state).staleSince;
}
