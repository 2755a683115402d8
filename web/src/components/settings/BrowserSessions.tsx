import { Button } from '@mantine/core';
import { useSessions } from '../../hooks/useSessions';
import { browserName } from '../../live/browserName';
import { Problem } from '../Problem';
import { Since } from '../Since';
import { Entry } from './Section';
import styles from './settings.module.css';

/** The browsers in which one is signed in. */
export function BrowserSessions() {
  const {
    sessions: { data, error, refetch },
    end,
  } = useSessions();
  return (
    <>
      {error !== null && <Problem error={error} onRetry={() => void refetch()} />}
      {end.isError && <Problem error={end.error} />}
      <ul>
        {data?.map(({ id, userAgent, address, lastSeenAt, current }) => (
          <Entry
            key={id}
            name={
              <>
                <span title={userAgent ?? undefined}>{browserName(userAgent)}</span>
                {current && <span className={styles.tag}>this one</span>}
              </>
            }
            details={
              <>
                {address !== null && `${address} · `}last used <Since time={lastSeenAt} ago />
              </>
            }
          >
            {!current && (
              <Button
                size="xs"
                aria-label={`Sign out ${browserName(userAgent)}`}
                disabled={end.isPending}
                onClick={() => end.mutate(id)}
              >
                Sign out
              </Button>
            )}
          </Entry>
        ))}
      </ul>
    </>
  );
}
