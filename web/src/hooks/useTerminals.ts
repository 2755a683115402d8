import { isFinal } from '../live/merge';
import type { Task } from '../protocol/messages';
import { useAction } from './useAction';
import { useClient } from './useClient';
import { useTasks } from './useTasks';

/** What a terminal begins with, until the page knows how much room there is. */
const FIRST_SIZE = { cols: 80, rows: 24 };
/** The user's own shell, as a login would start it. */
// biome-ignore lint/suspicious/noTemplateCurlyInString: the shell fills it in
const SHELL = 'exec "${SHELL:-/bin/sh}" -l';

export interface Terminals {
  /** Oldest first: a new one is added at the right. */
  list: readonly Task[];
  busy: boolean;
  problem: string | null;
  /** A new terminal with a shell in it. */
  open: (then: (taskId: string) => void) => void;
}

/** The terminals of a workspace that run, and those that were `seen` here and are over. */
export function useTerminals(workspaceId: string, seen: readonly string[]): Terminals {
  const { directory } = useClient();
  const { tasks } = useTasks();
  const { busy, problem, run } = useAction();
  const list = tasks
    .filter((task) => task.workspaceId === workspaceId && task.tty !== null)
    .filter((task) => !isFinal(task.status) || seen.includes(task.id))
    .toReversed();
  const open = (then: (taskId: string) => void) =>
    run(async () => {
      const task = await directory.run(workspaceId, {
        command: SHELL,
        shell: true,
        tty: FIRST_SIZE,
        title: `Terminal ${list.length + 1}`,
      });
      then(task.id);
    });
  return { list, busy, problem, open };
}
