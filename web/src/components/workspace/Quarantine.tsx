import { Button } from '@mantine/core';
import { useAction } from '../../hooks/useAction';
import { useReleaseDaemon } from '../../hooks/useDaemon';
import { useHubNow } from '../../hooks/useNow';
import { formatExactTime, formatTime } from '../../live/format';
import type { Attention } from '../../protocol/messages';
import { Problem } from '../Problem';
import styles from './WorkspaceDetail.module.css';

interface Props {
  attention: Attention;
  daemonId: string;
}

/** Copies of a daemon replaced each other; a person says when there is only one again. */
export function Quarantine({ attention, daemonId }: Props) {
  const now = useHubNow(null);
  const { mutateAsync } = useReleaseDaemon();
  const action = useAction();
  return (
    <>
      <p className={styles.away} role="alert" title={formatExactTime(attention.since)}>
        Quarantined since {formatTime(attention.since, now)}. {attention.text}
        <Button
          size="xs"
          disabled={action.busy}
          onClick={() => action.run(() => mutateAsync(daemonId))}
        >
          Only one runs now: release it
        </Button>
      </p>
      {action.problem !== null && <Problem error={action.problem} />}
    </>
  );
}
