import { lazy, Suspense } from 'react';
import { Empty } from '../components/Empty';
import { ConnectionTable } from '../components/health/ConnectionTable';
import { HubFacts } from '../components/health/HubFacts';
import { ReadinessNotice } from '../components/health/ReadinessNotice';
import { PageHeader } from '../components/PageHeader';
import { Problem } from '../components/Problem';
import { useConnections, useHealth } from '../hooks/useHealth';
import { useMe } from '../hooks/useMe';
import { useNow } from '../hooks/useNow';
import { useStaleSince } from '../hooks/useWorkspaces';
import { formatDuration } from '../live/format';
import { isOwner } from '../live/words';
import styles from './HealthPage.module.css';

const UNREACHABLE = 'The hub cannot be reached now.';
const SECOND_MS = 1_000;
// Three intervals without an answer.
const STALE_MS = 15_000;

const Plots = lazy(() =>
  import('../components/health/Plots').then((module) => ({ default: module.Plots })),
);

export function HealthPage() {
  const isAllowed = isOwner(useMe());
  return (
    <>
      <PageHeader title="Health" />
      <main className={styles.content}>
        {isAllowed ? (
          <>
            <ReadinessNotice />
            <Hub />
            <Connections />
          </>
        ) : (
          <Empty>
            <p>
              Only owners of this hub see how it is doing. Your machines and tasks are on the
              overview; whether a machine is connected is shown there.
            </p>
          </Empty>
        )}
      </main>
    </>
  );
}

function Hub() {
  const { data, error, dataUpdatedAt, refetch } = useHealth();
  const age = useNow(SECOND_MS) - dataUpdatedAt;
  const isUnheard = useStaleSince() !== null;
  const isStale = data !== undefined && (isUnheard || age > STALE_MS);
  return (
    <>
      {(error !== null || isUnheard) && (
        <Problem error={error ?? UNREACHABLE} onRetry={() => void refetch()}>
          {data !== undefined && <p>Shown is what was known {formatDuration(age / 1000)} ago.</p>}
        </Problem>
      )}
      <section className={isStale ? 'stale' : undefined} aria-labelledby="health-hub">
        <h2 id="health-hub">This hub</h2>
        <div className={styles.facts}>{data !== undefined && <HubFacts health={data} />}</div>
      </section>
      <section className={isStale ? 'stale' : undefined} aria-labelledby="health-hour">
        <h2 id="health-hour">The last hour</h2>
        <div className={styles.plots}>
          <Suspense>{data !== undefined && <Plots points={data.points} />}</Suspense>
        </div>
      </section>
    </>
  );
}

function Connections() {
  const { data, error, refetch } = useConnections();
  const isStale = (useStaleSince() !== null || error !== null) && data !== undefined;
  return (
    <section className={isStale ? 'stale' : undefined} aria-labelledby="health-connections">
      <h2 id="health-connections">
        Connections {data !== undefined && <span className={styles.count}>{data.length}</span>}
      </h2>
      {error !== null && data === undefined && (
        <Problem error={error} onRetry={() => void refetch()} />
      )}
      <div className={styles.connections}>
        {data !== undefined && <ConnectionTable connections={data} />}
      </div>
    </section>
  );
}
