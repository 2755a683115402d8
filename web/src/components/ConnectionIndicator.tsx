import { Button } from '@mantine/core';
import { useClient } from '../hooks/useClient';
import { useNow } from '../hooks/useNow';
import { useWebSocket } from '../hooks/useWebSocket';
import { formatMilliseconds } from '../live/format';
import styles from './ConnectionIndicator.module.css';

/** The one place that says how the page stands with the hub. */
export function ConnectionIndicator() {
  const { state, roundTrip, reconnectNow } = useWebSocket();
  const { link } = useClient();
  const waiting = state.kind === 'waiting';
  useNow(waiting ? 500 : null);
  const seconds = waiting ? Math.ceil(state.until - link.now) : 0;
  const isOffline = !navigator.onLine && (waiting || state.kind === 'connecting');
  const text = () => {
    if (isOffline) return 'Offline';
    switch (state.kind) {
      case 'live':
        return roundTrip === null ? 'Live' : `Live · ${formatMilliseconds(roundTrip * 1000)}`;
      case 'waiting':
        if (state.because === 'restarting') return 'Hub is restarting';
        if (state.because === 'busy') return `Hub is busy${seconds > 0 ? ` · ${seconds} s` : ''}`;
        return seconds > 0 ? `Reconnecting in ${seconds} s` : 'Reconnecting';
      case 'connecting':
        return 'Connecting';
      case 'refused':
        return state.reason || 'The hub refused the connection';
      case 'stopped':
      case 'signedOut':
        return 'Signed out';
    }
  };
  return (
    <span className={styles.indicator} data-state={isOffline ? 'waiting' : state.kind}>
      <span className={styles.dot} aria-hidden="true" />
      <span role="status">{text()}</span>
      {waiting && !isOffline && state.because === null && seconds > 1 && (
        <Button size="compact-xs" onClick={reconnectNow}>
          now
        </Button>
      )}
    </span>
  );
}
