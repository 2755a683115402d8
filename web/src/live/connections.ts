import type { Connection } from '../protocol/messages';

export type ConnectionColumn =
  | 'who'
  | 'since'
  | 'roundTripMs'
  | 'lagBytes'
  | 'unacknowledgedBytes'
  | 'bytesInPerSecond'
  | 'bytesOutPerSecond'
  | 'reconnects';

export interface ConnectionOrder {
  readonly column: ConnectionColumn;
  readonly descending: boolean;
}

/** What a connection is recognised by. */
export function connectionName({ who }: Connection): string {
  return who.workspaceName ?? who.username ?? who.daemonId ?? who.userId ?? 'unknown';
}

/** Sorted; what is not known comes last in either direction. */
export function sortConnections(
  connections: readonly Connection[],
  { column, descending }: ConnectionOrder,
): Connection[] {
  const sign = descending ? -1 : 1;
  return [...connections].sort((one, other) => {
    if (column === 'who' || column === 'since') {
      const text = (connection: Connection) =>
        column === 'who' ? connectionName(connection) : connection.since;
      return sign * text(one).localeCompare(text(other)) || byId(one, other);
    }
    const [left, right] = [one[column], other[column]];
    if (left === null || right === null) {
      return Number(left === null) - Number(right === null) || byId(one, other);
    }
    return sign * (left - right) || byId(one, other);
  });
}

function byId(one: Connection, other: Connection): number {
  return one.id.localeCompare(other.id);
}
