import type { ReactNode } from 'react';
import { useHubNow } from '../../hooks/useNow';
import { formatDuration, formatExactTime, formatSize } from '../../live/format';
import type { DiskSpace, Health } from '../../protocol/messages';
import styles from './HubFacts.module.css';

const SECOND_MS = 1_000;
const NEARLY_FULL = 0.9;

/** What this hub is, and how much room it has. */
export function HubFacts({ health }: { health: Health }) {
  const now = useHubNow(SECOND_MS);
  const { version, startedAt, disk, points, descriptorLimit } = health;
  const descriptors = points.descriptors.at(-1) ?? null;
  return (
    <dl className={styles.facts}>
      <Fact name="Version">{version}</Fact>
      <Fact name="Up for">
        <time dateTime={startedAt} title={`Since ${formatExactTime(startedAt)}`}>
          {formatDuration((now - Date.parse(startedAt)) / 1000)}
        </time>
      </Fact>
      <Fact name="Data">{disk.dataBytes === null ? '–' : formatSize(disk.dataBytes)}</Fact>
      <Fact name="Disk">
        <Disk disk={disk} />
      </Fact>
      <Fact name="Open files">
        {descriptors ?? '–'}
        {descriptorLimit !== null && ` of ${descriptorLimit.toLocaleString()}`}
      </Fact>
      <Fact name="Runs on">
        Python {health.python}, SQLite {health.sqlite}, {health.platform}
      </Fact>
    </dl>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Disk({ disk: { freeBytes, totalBytes } }: { disk: DiskSpace }) {
  const used = totalBytes === 0 ? 0 : 1 - freeBytes / totalBytes;
  return (
    <>
      {formatSize(freeBytes)} free of {formatSize(totalBytes)}
      <span className={styles.disk} data-full={used > NEARLY_FULL} aria-hidden="true">
        <span style={{ width: `${used * 100}%` }} />
      </span>
    </>
  );
}
