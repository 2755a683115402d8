import type { ReactNode } from 'react';
import { useHubNow } from '../../hooks/useNow';
import { useRoundTrips } from '../../hooks/useRoundTrips';
import { useTaskCounts } from '../../hooks/useTasks';
import { useStaleSince } from '../../hooks/useWorkspaces';
import { formatAgo, formatExactTime, formatMilliseconds, formatTime } from '../../live/format';
import { believedRunning, daemonChangeSentence } from '../../live/words';
import type { Workspace } from '../../protocol/messages';
import { AsOf } from '../AsOf';
import { ButtonLink } from '../ButtonLink';
import { Quarantine } from './Quarantine';
import { RoundTripLine } from './RoundTripLine';
import styles from './WorkspaceDetail.module.css';

const STATES: Record<Workspace['state'], string> = {
  connected: 'Connected',
  unreachable: 'Unreachable',
  never_connected: 'Never connected',
};

/** How a workspace stands, and what the machine is. */
export function WorkspaceFacts({ workspace }: { workspace: Workspace }) {
  const now = useHubNow(null);
  const isStale = useStaleSince() !== null;
  const roundTrips = useRoundTrips().get(workspace.id) ?? [];
  const { running, queued } = useTaskCounts(workspace.id);
  const { state, since, host, platform, user, path, version, attention, daemonId, daemonChange } =
    workspace;
  const roundTrip = roundTrips.findLast((value) => value !== null) ?? workspace.roundTripMs;
  return (
    <>
      <dl
        className={styles.facts}
        tabIndex={0}
        aria-label="Facts"
        data-stale={isStale || undefined}
      >
        {since === null ? (
          <Fact name="State">{STATES[state]}</Fact>
        ) : (
          <Fact name={STATES[state]} title={formatExactTime(since)}>
            since {formatTime(since, now)}
          </Fact>
        )}
        <Fact name="Running">
          {running}
          {queued > 0 && ` + ${queued} queued`}
        </Fact>
        {state === 'connected' && (
          <Fact name="Round trip">
            {roundTrip === null ? '–' : formatMilliseconds(roundTrip)}
            <RoundTripLine values={roundTrips} />
          </Fact>
        )}
        {host !== null && (
          <Fact name="Machine" title={platform ?? undefined}>
            {user === null ? host : `${user}@${host}`}
          </Fact>
        )}
        {platform !== null && <Fact name="System">{platform}</Fact>}
        {path !== null && (
          <Fact name="Folder">
            <code>{path}</code>
          </Fact>
        )}
        {version !== null && <Fact name="Daemon">{version}</Fact>}
      </dl>
      <AsOf />
      {daemonChange !== null && (
        <p className={styles.change} title={formatExactTime(daemonChange.at)}>
          {daemonChangeSentence(daemonChange, formatAgo(secondsSince(daemonChange.at, now)))}
        </p>
      )}
      {attention !== null && daemonId !== null && (
        <Quarantine attention={attention} daemonId={daemonId} />
      )}
      {state !== 'connected' && attention === null && (
        <p className={styles.away}>
          {state === 'unreachable'
            ? believedRunning(running) || 'Its machine cannot be reached now.'
            : 'No machine serves this yet.'}
          <ButtonLink size="xs" to="/connect" search={{ workspace: workspace.id }}>
            {state === 'unreachable' ? 'Connect again' : 'Show how to connect one'}
          </ButtonLink>
        </p>
      )}
    </>
  );
}

function secondsSince(time: string, now: number): number {
  return (now - Date.parse(time)) / 1000;
}

function Fact(props: { name: string; title?: string | undefined; children: ReactNode }) {
  return (
    <div title={props.title}>
      <dt>{props.name}</dt>
      <dd>{props.children}</dd>
    </div>
  );
}
