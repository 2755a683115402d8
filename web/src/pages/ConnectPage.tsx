import { getRouteApi } from '@tanstack/react-router';
import { ConnectMachine, NewMachine } from '../components/ConnectMachine';
import { PageHeader } from '../components/PageHeader';
import { Problem } from '../components/Problem';
import { useMe } from '../hooks/useMe';
import { useWorkspaces } from '../hooks/useWorkspaces';
import { shownName } from '../live/whose';
import styles from './ConnectPage.module.css';

const route = getRouteApi('/connect');

/** Another machine, or another folder of one. */
export function ConnectPage() {
  const { workspace: workspaceId } = route.useSearch();
  const navigate = route.useNavigate();
  const me = useMe();
  const { workspaces, loaded } = useWorkspaces();
  const workspace = workspaces.find(({ id }) => id === workspaceId);
  return (
    <>
      <PageHeader
        title={
          workspace === undefined ? 'Connect a machine' : `Connect ${shownName(workspace, me)}`
        }
      />
      <main className={styles.content}>
        {workspaceId !== undefined && workspace === undefined && loaded && (
          <Problem error="There is no such workspace, or it is not yours to see. Make a new one." />
        )}
        {workspace !== undefined && <ConnectMachine key={workspace.id} workspace={workspace} />}
        {workspace === undefined && (loaded || workspaceId === undefined) && (
          <>
            <p className={styles.about}>
              A machine connects to this hub by itself, from behind any firewall. It shows one
              folder here: its workspace.
            </p>
            <NewMachine
              onMade={({ id }) => void navigate({ search: { workspace: id }, replace: true })}
            />
          </>
        )}
      </main>
    </>
  );
}
