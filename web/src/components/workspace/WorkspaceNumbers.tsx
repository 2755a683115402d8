import { formatMilliseconds } from '../../live/format';
import styles from './WorkspaceCard.module.css';

interface Props {
  running: number;
  queued: number;
  roundTripMs: number | null;
}

export function WorkspaceNumbers({ running, queued, roundTripMs }: Props) {
  return (
    <dl className={styles.facts}>
      <div>
        <dt>Running</dt>
        <dd>{running}</dd>
      </div>
      {queued > 0 && (
        <div>
          <dt>Queued</dt>
          <dd>{queued}</dd>
        </div>
      )}
      <div>
        <dt>Round trip</dt>
        <dd>{roundTripMs === null ? '–' : formatMilliseconds(roundTripMs)}</dd>
      </div>
    </dl>
  );
}
