import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { type PastCommand, pastCommands } from '../live/commandHistory';
import { get, type Page } from '../live/http';
import type { Task } from '../protocol/messages';
import { useClient } from './useClient';
import { useStore } from './useStore';
import { useTasks } from './useTasks';

const ASKED_TASKS = 200;
const KEPT_COMMANDS = 200;
const FRESH_MS = 300_000;

/** What was typed for a workspace and what ran there, newest first. `wanted`: it may be needed. */
export function useCommandHistory(
  workspaceId: string | undefined,
  wanted: boolean,
): readonly PastCommand[] {
  const typed = useStore(useClient().commands)[workspaceId ?? ''];
  const { tasks } = useTasks();
  const { data: past } = useQuery({
    queryKey: ['past-commands', workspaceId],
    queryFn: async () =>
      (await get<Page<Task>>(`/api/tasks?workspace=${workspaceId}&limit=${ASKED_TASKS}`)).items,
    enabled: wanted && workspaceId !== undefined,
    staleTime: FRESH_MS,
  });
  return useMemo(() => {
    if (!wanted) return [];
    const live = tasks.filter((task) => task.workspaceId === workspaceId);
    return pastCommands(typed ?? [], [...live, ...(past ?? [])], KEPT_COMMANDS);
  }, [wanted, typed, tasks, past, workspaceId]);
}
