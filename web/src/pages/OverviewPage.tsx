import { Link } from '@tanstack/react-router';
import { Suspense, useEffect, useState } from 'react';
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
import { destination, type Machine } from '../live/lastMachine';
import { isOwn, preferredWorkspace, shownName } from '../live/whose';
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

/** Runs on the machine last used, or on another that one picks; never on one that nobody chose. */
function AnywhereBar({ workspaces }: { workspaces: readonly Workspace[] }) {
  const me = useMe();
  const { lastMachine } = useClient();
  // Kept while the page is shown: a machine that goes away must not become another one.
  const [meant, setMeant] = useState<Machine | undefined>(
    () => lastMachine.get() ?? preferredWorkspace(workspaces, me),
  );
  const first = preferredWorkspace(workspaces, me);
  useEffect(() => {
    if (first !== undefined) setMeant((before) => before ?? first);
  }, [first]);
  if (meant === undefined) return null;
  const { workspace, missing } = destination(meant, workspaces);
  const pick = (picked: Workspace) => {
    const machine = { id: picked.id, name: shownName(picked, me) };
    lastMachine.remember(machine);
    setMeant(machine);
  };
  return (
    <CommandBar workspace={workspace} missing={missing} picker={{ workspaces, onPick: pick }} />
  );
}
