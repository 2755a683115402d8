import { Link } from '@tanstack/react-router';
import { lazy, Suspense, useState } from 'react';
import { useClient } from '../../hooks/useClient';
import { useShortcuts } from '../../hooks/useShortcuts';
import { type TaskControls, useTaskControls } from '../../hooks/useTaskControls';
import { useTaskStaleSince } from '../../hooks/useTaskStaleSince';
import { useTitle } from '../../hooks/useTitle';
import { hubNow } from '../../live/hubClock';
import { isFinal } from '../../live/merge';
import { oneLine } from '../../live/oneLine';
import { tabTitle } from '../../live/tabTitle';
import { commandLine, endsWhenBack, explainEnd, unreachableSentence } from '../../live/words';
import type { Task, Workspace } from '../../protocol/messages';
import { PageHeader } from '../PageHeader';
import { Problem } from '../Problem';
import type { OutputController } from '../terminal';
import { WorkspaceCrumbs } from '../WorkspaceCrumbs';
import { copyLink } from './copyLink';
import { LaterTaskScreen } from './LaterTaskScreen';
import { TaskActions } from './TaskActions';
import styles from './TaskDetail.module.css';
import { TaskFacts } from './TaskFacts';
import { TaskSummary } from './TaskSummary';

const CancelDialog = lazy(() => import('./CancelDialog'));

interface Props {
  task: Task;
  workspace: Workspace | undefined;
  /** The byte to begin at; null: follow the end. */
  startAt: number | null;
}

/** One task: its command, how it stands, and its output, which takes all the room there is. */
export function TaskDetail({ task, workspace, startAt }: Props) {
  const controls = useTaskControls(task);
  const [controller, setController] = useState<OutputController | null>(null);
  const isStale = useTaskStaleSince(task) !== null;
  useTitle(tabTitle(task, isStale));
  const share = (what: 'task' | 'here') =>
    void copyLink(task.id, what === 'here' ? controller?.copyLinkOffset() : undefined);
  useTaskKeys(task, controls, () => share('here'));
  const { shortcuts } = useClient();
  const help = () => shortcuts.find(HELP_KEY, false)?.run();
  return (
    <main className={styles.page}>
      <PageHeader
        crumbs={
          <WorkspaceCrumbs
            workspace={workspace}
            through={<Link to="/tasks">Tasks</Link>}
            here={
              task.title === null ? `…${task.id.slice(-SHOWN_ID_CHARACTERS)}` : oneLine(task.title)
            }
          />
        }
      >
        <TaskActions task={task} controls={controls} onShare={share} onHelp={help} />
      </PageHeader>
      <div className={styles.head}>
        <h1>{commandLine(task)}</h1>
        <TaskSummary task={task} />
        <Explanation task={task} workspace={workspace} />
        {controls.problem !== null && <Problem error={controls.problem} />}
      </div>
      <TaskFacts task={task} workspace={workspace} controller={controller} />
      <div className={styles.output}>
        <Suspense>
          <LaterTaskScreen
            task={task}
            startAt={startAt}
            focused={task.tty !== null && startAt === null}
            onController={setController}
          />
        </Suspense>
      </div>
      <Suspense>
        {controls.asking && (
          <CancelDialog task={task} opened onClose={controls.keep} onCancel={controls.cancel} />
        )}
      </Suspense>
    </main>
  );
}

/** As the command line takes them too. */
const SHOWN_ID_CHARACTERS = 8;
const HELP_KEY = { key: '?', ctrlKey: false, metaKey: false, altKey: false };

function useTaskKeys(task: Task, controls: TaskControls, shareHere: () => void): void {
  const group = 'Task';
  const cancel = {
    key: 'x',
    label: 'Cancel, after a question',
    group,
    run: controls.askToCancel,
    acts: true,
  };
  useShortcuts([
    { key: 'r', label: 'Run again', group, run: controls.rerun, acts: true },
    { key: 'c', label: 'Copy a link to here', group, run: shareHere },
    ...(isFinal(task.status) ? [] : [cancel]),
  ]);
}

function Explanation({ task, workspace }: Pick<Props, 'task' | 'workspace'>) {
  const end = explainEnd(task);
  if (end !== null) return <p className={styles.explanation}>{end}</p>;
  if (workspace === undefined || isFinal(task.status) || workspace.state === 'connected') {
    return null;
  }
  return (
    <p className={styles.explanation} data-tone="amber">
      {task.status === 'pending'
        ? `Waiting for ${workspace.name} to connect.`
        : `${unreachableSentence(workspace, hubNow())} ${
            task.cancelRequested
              ? endsWhenBack(workspace.name)
              : 'The command is believed running; its output is kept there and arrives when it is back.'
          }`}
    </p>
  );
}
