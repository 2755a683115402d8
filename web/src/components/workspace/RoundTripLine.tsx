import { formatMilliseconds } from '../../live/format';
import { sparkline } from '../../live/sparkline';
import styles from './WorkspaceCard.module.css';

const WIDTH = 84;
const HEIGHT = 18;
/** At one every 5 s: the last three minutes. */
const SLOTS = 36;
const MARGIN = 2;

/** How long a message to the machine and back took lately, as a small line. */
export function RoundTripLine({ values }: { values: readonly (number | null)[] }) {
  const { path, lowest, highest } = sparkline(values, {
    width: WIDTH,
    height: HEIGHT,
    slots: SLOTS,
  });
  if (lowest === null || highest === null) return null;
  return (
    <svg
      className={styles.line}
      width={WIDTH + 2 * MARGIN}
      height={HEIGHT + 2 * MARGIN}
      viewBox={`${-MARGIN} ${-MARGIN} ${WIDTH + 2 * MARGIN} ${HEIGHT + 2 * MARGIN}`}
      role="img"
      aria-label={`Round trip in the last minutes: ${formatMilliseconds(lowest)} to ${formatMilliseconds(highest)}`}
    >
      <path d={path} />
    </svg>
  );
}
