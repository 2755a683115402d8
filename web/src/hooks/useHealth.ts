import { useQuery, useQueryClient } from '@tanstack/react-query';
import { joinPoints } from '../live/healthPoints';
import { get } from '../live/http';
import { askReadiness } from '../live/readiness';
import type { Connection, ConnectionList, Health } from '../protocol/messages';

const INTERVAL_MS = 5_000;
const READINESS_INTERVAL_MS = 15_000;
const HEALTH = ['health'];
const EVERY_INTERVAL = { refetchInterval: INTERVAL_MS };

/** The hub and its last hour; only what is new is asked for. Looks while the page is visible. */
export function useHealth() {
  const queries = useQueryClient();
  return useQuery({
    queryKey: HEALTH,
    queryFn: async () => {
      const known = queries.getQueryData<Health>(HEALTH);
      const since = known?.points.time.at(-1) ?? 0;
      const health = await get<Health>(`/api/health?since=${since}`);
      // After a restart the hub remembers nothing from before; what we know is of another process.
      return known === undefined || known.startedAt !== health.startedAt
        ? health
        : { ...health, points: joinPoints(known.points, health.points) };
    },
    ...EVERY_INTERVAL,
  });
}

/** Every live connection, now. */
export function useConnections() {
  return useQuery({
    queryKey: ['connections'],
    queryFn: async (): Promise<Connection[]> =>
      (await get<ConnectionList>('/api/connections')).items,
    ...EVERY_INTERVAL,
  });
}

/** Whether the hub can do its work. */
export function useReadiness() {
  return useQuery({
    queryKey: ['readiness'],
    queryFn: askReadiness,
    refetchInterval: READINESS_INTERVAL_MS,
  });
}
