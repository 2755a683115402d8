import { useQuery } from '@tanstack/react-query';
import { get } from '../live/http';
import type { RoundTripList } from '../protocol/messages';

const INTERVAL_MS = 5_000;

/** The latest round trips to each workspace, in milliseconds, oldest first; while it is visible. */
export function useRoundTrips(): ReadonlyMap<string, readonly (number | null)[]> {
  const { data } = useQuery({
    queryKey: ['round-trips'],
    queryFn: () => get<RoundTripList>('/api/round-trips'),
    refetchInterval: INTERVAL_MS,
    select: ({ items }) => new Map(items.map((item) => [item.workspaceId, item.roundTripMs])),
  });
  return data ?? NONE;
}

const NONE: ReadonlyMap<string, readonly (number | null)[]> = new Map();
