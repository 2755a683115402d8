import { useDisclosure } from '@mantine/hooks';
import { useNavigate } from '@tanstack/react-router';
import { isFinal } from '../live/merge';
import type { Task } from '../protocol/messages';
import { useAction } from './useAction';
import { useClient } from './useClient';

export interface TaskControls {
  busy: boolean;
  problem: string | null;
  /** The question before cancelling is shown. */
  asking: boolean;
  askToCancel: () => void;
  keep: () => void;
  cancel: () => void;
  /** The same command once more; goes to the new task. */
  rerun: () => void;
}

/** Ending a task and running it again. */
export function useTaskControls(task: Task): TaskControls {
  const { directory } = useClient();
  const navigate = useNavigate();
  const [asking, question] = useDisclosure(false);
  const { busy, problem, run } = useAction();
  return {
    busy,
    problem,
    asking,
    askToCancel: () => {
      if (!isFinal(task.status)) question.open();
    },
    keep: question.close,
    cancel: () => {
      question.close();
      run(() => directory.cancel(task.id));
    },
    rerun: () =>
      run(async () => {
        const { id } = await directory.rerun(task.id);
        await navigate({ to: '/tasks/$taskId', params: { taskId: id } });
      }),
  };
}
