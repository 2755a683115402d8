import { useNow } from '../hooks/useNow';
import { useRunning } from '../hooks/useTasks';
import { formatExactTime, formatMilliseconds, formatTime } from '../live/format';
import type { Workspace } from '../protocol/messages';
import { ConnectMachine } from './ConnectMachine';
import { WorkspaceDot } from './WorkspaceDot';
import styles from './WorkspaceList.module.css';

export function WorkspaceList({ workspaces }: { workspaces: readonly Workspace[] }) {
  const running = useRunning();
  return (
    <ul className={styles.list}>
      {workspaces.map((workspace) => (
        <li key={workspace.id} className={styles.card}>
          <h3>
            <WorkspaceDot state={workspace.state} />
            <span className={styles.name}>{workspace.name}</span>
          </h3>
          <Place workspace={workspace} />
          <State workspace={workspace} running={running.get(workspace.id) ?? 0} />
        </li>
      ))}
    </ul>
  );
}

function Place({ workspace }: { workspace: Workspace }) {
  const machine = workspace.host === workspace.name ? workspace.platform : workspace.host;
  if (machine === null && workspace.path === null) {
    return null;
  }
  return (
    <p className={styles.place} title={workspace.platform ?? undefined}>
      {machine}
      {machine !== null && workspace.path !== null && ' · '}
      <code>{workspace.path}</code>
    </p>
  );
}

function State({ workspace, running }: { workspace: Workspace; running: number }) {
  switch (workspace.state) {
    case 'never_connected':
      return <ConnectMachine workspace={workspace} />;
    case 'unreachable':
      return <Unreachable since={workspace.since} running={running} />;
    case 'connected':
      return (
        <dl className={styles.facts}>
          <div>
            <dt>Running</dt>
            <dd>{running}</dd>
          </div>
          {workspace.queuedTasks > 0 && (
            <div>
              <dt>Queued</dt>
              <dd>{workspace.queuedTasks}</dd>
            </div>
          )}
          {workspace.roundTripMs !== null && (
            <div>
              <dt>Round trip</dt>
              <dd>{formatMilliseconds(workspace.roundTripMs)}</dd>
            </div>
          )}
        </dl>
      );
  }
}

function Unreachable({ since, running }: { since: string | null; running: number }) {
  const now = useNow(null);
  const believed =
    running === 1
      ? ' One task is believed running; its output is kept there and arrives when it is back.'
      : ` ${running} tasks are believed running; their output is kept there and arrives when it is back.`;
  return (
    <p className={styles.unreachable} title={since === null ? undefined : formatExactTime(since)}>
      Unreachable{since !== null && ` since ${formatTime(since, now)}`}.{running > 0 && believed}
    </p>
  );
}
