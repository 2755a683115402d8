import { Link } from '@tanstack/react-router';
import { Suspense, useState } from 'react';
import { AsOf } from '../components/AsOf';
import { ButtonLink } from '../components/ButtonLink';
import { CommandBar } from '../components/command/CommandBar';
import { LaterFirstMachine } from '../components/Later';
import { PageHeader } from '../components/PageHeader';
import { Problem } from '../components/Problem';
import { LatestTasks } from '../components/tasks/LatestTasks';
import { NoTasksYet } from '../components/tasks/NoTasks';
import { WorkspaceCards } from '../components/workspace/WorkspaceCards';
import { useClient } from '../hooks/useClient';
import { useMe } from '../hooks/useMe';
import { useOutputSizes } from '../hooks/useOutputSizes';
import { useTasks } from '../hooks/useTasks';
import { useStaleSince, useWorkspaces } from '../hooks/useWorkspaces';
import { isOwn, preferredWorkspace } from '../live/whose';
import { mayOperate } from '../live/words';
import type { Workspace } from '../protocol/messages';
import styles from './OverviewPage.module.css';

export function OverviewPage() {
  const { directory } = useClient();
  const me = useMe();
  const { workspaces, loaded, problem } = useWorkspaces();
  const hasMachine = workspaces.some(({ state }) => state !== 'never_connected');
  return (
    <>
      <PageHeader title="Overview">
        <ButtonLink to="/connect">Connect a machine</ButtonLink>
      </PageHeader>
      <main className={styles.content}>
        {problem !== null && !loaded && (
          <Problem error={problem} onRetry={() => void directory.refresh()} />
        )}
        {hasMachine && <Filled workspaces={workspaces} />}
        {loaded && !hasMachine && (
          <Suspense>
            <LaterFirstMachine workspaces={workspaces.filter((each) => isOwn(each, me))} />
          </Suspense>
        )}
      </main>
    </>
  );
}

function Filled({ workspaces }: { workspaces: readonly Workspace[] }) {
  const me = useMe();
  const { tasks } = useTasks();
  const stale = useStaleSince() === null ? undefined : 'stale';
  useOutputSizes();
  return (
    <>
      {mayOperate(me) && <AnywhereBar workspaces={workspaces} />}
      <section aria-labelledby="machines">
        <h2 id="machines">
          Machines <AsOf />
        </h2>
        <div className={stale}>
          <WorkspaceCards workspaces={workspaces} />
        </div>
      </section>
      <section aria-labelledby="tasks">
        <h2 id="tasks">
          Latest tasks <AsOf />
          <Link className={styles.all} to="/tasks">
            All tasks
          </Link>
        </h2>
        <div className={stale}>
          {tasks.length > 0 ? (
            <LatestTasks tasks={tasks} workspaces={workspaces} />
          ) : (
            <NoTasksYet />
          )}
        </div>
      </section>
    </>
  );
}

/** Runs on the machine that one picks; without a machine of one's own, its page has the bar. */
function AnywhereBar({ workspaces }: { workspaces: readonly Workspace[] }) {
  const me = useMe();
  const [picked, setPicked] = useState<string | null>(null);
  const workspace =
    workspaces.find(({ id }) => id === picked) ?? preferredWorkspace(workspaces, me);
  if (workspace === undefined) return null;
  return <CommandBar workspace={workspace} picker={{ workspaces, onPick: setPicked }} />;
}
