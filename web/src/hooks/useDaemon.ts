import { useMutation, useQuery } from '@tanstack/react-query';
import { get, post, remove } from '../live/http';
import type { Daemon, Workspace } from '../protocol/messages';
import { useClient } from './useClient';

/** What serves a workspace; `version` is anything that changes when the daemon does. */
export function useDaemon(daemonId: string, version: string) {
  return useQuery({
    queryKey: ['daemon', daemonId, version],
    queryFn: () => get<Daemon>(daemonPath(daemonId)),
  });
}

/** Removing a daemon frees its workspace for another. */
export function useRemoveDaemon() {
  const { directory } = useClient();
  return useMutation({
    mutationFn: (daemonId: string) => remove(daemonPath(daemonId)),
    onSuccess: () => directory.refresh(),
  });
}

/** Releasing a daemon lets it in again after copies of it were found. */
export function useReleaseDaemon() {
  const { directory } = useClient();
  return useMutation({
    mutationFn: (daemonId: string) => post<Workspace>(`${daemonPath(daemonId)}/release`),
    onSuccess: () => directory.refresh(),
  });
}

function daemonPath(daemonId: string): string {
  return `/api/daemons/${encodeURIComponent(daemonId)}`;
}
