import type { LinkState } from '../live/link';
import { useClient } from './useClient';
import { useStore } from './useStore';

export interface WebSocketView {
  state: LinkState;
  isLive: boolean;
  /** Seconds; null until known. */
  roundTrip: number | null;
  reconnectNow: () => void;
}

/** The one connection to the hub. */
export function useWebSocket(): WebSocketView {
  const { link } = useClient();
  const state = useStore(link.state);
  return {
    state,
    isLive: state.kind === 'live',
    roundTrip: useStore(link.roundTrip),
    reconnectNow: () => link.reconnectNow(),
  };
}
