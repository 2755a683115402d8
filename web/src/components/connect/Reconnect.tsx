import { Button } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useAction } from '../../hooks/useAction';
import { useRemoveDaemon } from '../../hooks/useDaemon';
import { joinCommandLine } from '../../live/argv';
import { hubNow } from '../../live/hubClock';
import { lostWithDaemon, unreachableSentence } from '../../live/words';
import type { Workspace } from '../../protocol/messages';
import styles from '../ConnectMachine.module.css';
import { Copyable } from '../Copyable';
import { Problem } from '../Problem';

/** A workspace whose machine is away: starting it there again, or giving it another one. */
export function Reconnect({ workspace, daemonId }: { workspace: Workspace; daemonId: string }) {
  const { name, host, path, since } = workspace;
  const [asked, question] = useDisclosure(false);
  const { mutateAsync } = useRemoveDaemon();
  const action = useAction();
  return (
    <div className={styles.first}>
      <p>
        {since === null
          ? `${name} has a code already and has not connected yet.`
          : unreachableSentence(workspace, hubNow())}{' '}
        Usually it comes back by itself. If its daemon was ended, start it again
        {host !== null && ` on ${host}`}:
      </p>
      <Copyable text={joinCommandLine(['arbor', 'daemon', ...(path === null ? [] : [path])])} />
      {asked ? (
        <div className={styles.question} role="alert">
          <p>
            The machine that served {name} is not let in again without a new code. The workspace,
            its tasks and the output that has arrived stay. {lostWithDaemon(workspace.runningTasks)}
          </p>
          <div className={styles.choices}>
            <Button onClick={question.close}>Leave it</Button>
            <Button disabled={action.busy} onClick={() => action.run(() => mutateAsync(daemonId))}>
              Use another machine
            </Button>
          </div>
          {action.problem !== null && <Problem error={action.problem} />}
        </div>
      ) : (
        <p>
          <Button onClick={question.open}>Use another machine or folder…</Button>
        </p>
      )}
    </div>
  );
}
