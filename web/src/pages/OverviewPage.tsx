import { Button } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { CommandBar } from '../components/CommandBar';
import { ConnectMachine } from '../components/ConnectMachine';
import { PageHeader } from '../components/PageHeader';
import { TaskList } from '../components/TaskList';
import { WorkspaceList } from '../components/WorkspaceList';
import { useTasks } from '../hooks/useTasks';
import { useWebSocket } from '../hooks/useWebSocket';
import { useWorkspaces } from '../hooks/useWorkspaces';
import styles from './OverviewPage.module.css';

export function OverviewPage() {
  const { workspaces, loaded, problem } = useWorkspaces();
  const { tasks } = useTasks();
  const { isLive } = useWebSocket();
  return (
    <>
      <PageHeader title="Overview">
        <Button component={Link} to="/connect">
          Connect a machine
        </Button>
      </PageHeader>
      <main className={styles.content}>
        {problem !== null && (
          <p role="alert" className="problem">
            {problem}
          </p>
        )}
        {workspaces.length > 0 && <CommandBar workspaces={workspaces} tasks={tasks} />}
        {loaded && (
          <>
            <section className={isLive ? undefined : 'stale'} aria-labelledby="machines">
              <h2 id="machines">Machines</h2>
              {workspaces.length > 0 ? (
                <WorkspaceList workspaces={workspaces} />
              ) : (
                <ConnectMachine />
              )}
            </section>
            {workspaces.length + tasks.length > 0 && (
              <section className={isLive ? undefined : 'stale'} aria-labelledby="tasks">
                <h2 id="tasks">Latest tasks</h2>
                {tasks.length > 0 ? (
                  <TaskList tasks={tasks} workspaces={workspaces} />
                ) : (
                  <p className={styles.empty}>
                    Nothing has run yet. Type a command above, or from a terminal:{' '}
                    <code>arbor run -- echo hello</code>
                  </p>
                )}
              </section>
            )}
          </>
        )}
      </main>
    </>
  );
}
