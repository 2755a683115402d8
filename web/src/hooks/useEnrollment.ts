import { useQuery } from '@tanstack/react-query';
import { wheelAddress } from '../live/wheel';
import { useClient } from './useClient';

const CODE_MS = 600_000;

/** A code for a workspace; asked for when it is first needed, and again when one wants another. */
export function useEnrollment(workspaceId: string) {
  const { directory } = useClient();
  return useQuery({
    queryKey: ['enrollment', workspaceId],
    queryFn: () => directory.enrollmentCode(workspaceId),
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: CODE_MS,
    refetchOnWindowFocus: false,
    refetchOnReconnect: false,
  });
}

/** Where the hub's own package is installed from; undefined until it is known. */
export function useWheelAddress(): string | undefined {
  const { data } = useQuery({
    queryKey: ['wheel'],
    queryFn: () => wheelAddress(location.origin),
    staleTime: CODE_MS,
  });
  return data;
}
