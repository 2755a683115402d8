import { getRouteApi } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import { PageHeader } from '../components/PageHeader';
import { Problem } from '../components/Problem';
import { NoTerminal } from '../components/terminals/NoTerminal';
import { TerminalPanel } from '../components/terminals/TerminalPanel';
import { TerminalTabs } from '../components/terminals/TerminalTabs';
import { WorkspaceCrumbs } from '../components/WorkspaceCrumbs';
import { useMe } from '../hooks/useMe';
import { useTerminals } from '../hooks/useTerminals';
import { useTitle } from '../hooks/useTitle';
import { useWorkspaces } from '../hooks/useWorkspaces';
import { shownName } from '../live/whose';
import styles from './TerminalsPage.module.css';

const route = getRouteApi('/workspaces/$workspaceId/terminals');

/** The terminals of a workspace, side by side: leave one, and it is still there. */
export function TerminalsPage() {
  const { workspaceId } = route.useParams();
  const { task: wanted } = route.useSearch();
  const navigate = route.useNavigate();
  const { workspaces, loaded } = useWorkspaces();
  const workspace = workspaces.find(({ id }) => id === workspaceId);
  const me = useMe();
  const name = workspace === undefined ? '' : shownName(workspace, me);
  const [seen, setSeen] = useState<readonly string[]>(wanted === undefined ? [] : [wanted]);
  const terminals = useTerminals(workspaceId, seen);
  const shown = terminals.list.find(({ id }) => id === wanted) ?? terminals.list[0];
  const shownId = shown?.id;
  // One that ends under one's hands stays: the keyboard must not come to be in another one.
  useEffect(() => {
    if (shownId === undefined) return;
    setSeen((before) => (before.includes(shownId) ? before : [...before, shownId]));
  }, [shownId]);
  useTitle(workspace === undefined ? null : `Terminals of ${name}`);

  const choose = (taskId: string) => void navigate({ search: { task: taskId }, replace: true });
  const open = () => terminals.open(choose);
  if (loaded && workspace === undefined) {
    return (
      <main className="alone">
        <h1>There is no such workspace</h1>
        <p>It was removed, or belongs to somebody else.</p>
      </main>
    );
  }
  return (
    <main className={styles.page}>
      <PageHeader crumbs={<WorkspaceCrumbs workspace={workspace} here="Terminals" />} />
      <h1 className={styles.heading}>Terminals of {name}</h1>
      <TerminalTabs
        terminals={terminals.list}
        shown={shown?.id}
        busy={terminals.busy}
        onChoose={choose}
        onOpen={open}
        onForget={(taskId) => setSeen((before) => before.filter((id) => id !== taskId))}
      />
      {terminals.problem !== null && <Problem error={terminals.problem} />}
      {shown === undefined ? (
        <NoTerminal workspace={workspace} busy={terminals.busy} onOpen={open} />
      ) : (
        <TerminalPanel key={shown.id} task={shown} />
      )}
    </main>
  );
}
