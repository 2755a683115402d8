import { useQuery } from '@tanstack/react-query';
import { useClient } from './useClient';
import { useTasks } from './useTasks';

const INTERVAL_MS = 5_000;

/** Keeps the sizes of running tasks' output up to date while a list of them is looked at. */
export function useOutputSizes(): void {
  const { directory } = useClient();
  const { tasks } = useTasks();
  useQuery({
    queryKey: ['unfinished'],
    queryFn: async () => {
      await directory.refreshUnfinished();
      return null;
    },
    enabled: tasks.some(({ status }) => status === 'running'),
    refetchInterval: INTERVAL_MS,
  });
}
