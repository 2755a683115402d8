import { UnstyledButton } from '@mantine/core';
import { useState } from 'react';
import {
  type ConnectionColumn,
  type ConnectionOrder,
  connectionName,
  sortConnections,
} from '../../live/connections';
import { formatMilliseconds, formatSize } from '../../live/format';
import { formatRate } from '../../live/plots';
import type { Connection } from '../../protocol/messages';
import { Since } from '../Since';
import styles from './ConnectionTable.module.css';

interface Column {
  readonly key: ConnectionColumn;
  readonly label: string;
  readonly meaning: string;
}

const COLUMNS: readonly Column[] = [
  { key: 'who', label: 'Who', meaning: 'A workspace’s daemon, or who watches' },
  { key: 'since', label: 'Connected', meaning: 'How long this connection lives' },
  { key: 'roundTripMs', label: 'Round trip', meaning: 'Of the last heartbeat' },
  {
    key: 'lagBytes',
    label: 'Behind',
    meaning: 'Of a viewer: what is stored and was not sent to it yet',
  },
  {
    key: 'unacknowledgedBytes',
    label: 'Unacknowledged',
    meaning: 'Of a daemon: received and not yet on disk; of a viewer: sent and not yet shown',
  },
  { key: 'bytesInPerSecond', label: 'In', meaning: 'What it sends' },
  { key: 'bytesOutPerSecond', label: 'Out', meaning: 'What is sent to it' },
  { key: 'reconnects', label: 'Reconnects', meaning: 'Of this daemon, since the hub started' },
];

// The figures are what one looks for: the largest first.
const ASCENDING_FIRST: readonly ConnectionColumn[] = ['who', 'since'];

/** Who is connected, and how well. */
export function ConnectionTable({ connections }: { connections: readonly Connection[] }) {
  const [order, setOrder] = useState<ConnectionOrder>({ column: 'who', descending: false });
  const sortBy = (column: ConnectionColumn) =>
    setOrder({
      column,
      descending: order.column === column ? !order.descending : !ASCENDING_FIRST.includes(column),
    });
  return (
    <table className={styles.table}>
      <thead>
        <tr>
          {COLUMNS.map(({ key, label, meaning }) => (
            <th key={key} scope="col" aria-sort={sorted(order, key)} title={meaning}>
              <UnstyledButton onClick={() => sortBy(key)}>
                {label}
                <span aria-hidden="true" className={styles.direction}>
                  {order.column === key ? (order.descending ? '↓' : '↑') : ''}
                </span>
              </UnstyledButton>
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {sortConnections(connections, order).map((connection) => (
          <Row key={connection.id} connection={connection} />
        ))}
      </tbody>
    </table>
  );
}

function Row({ connection }: { connection: Connection }) {
  const { kind, address, version, since, roundTripMs, reconnects } = connection;
  return (
    <tr>
      <th scope="row" title={`${connection.id}, ${connection.subprotocol}`}>
        <span className={styles.name}>{connectionName(connection)}</span>
        <span className={styles.detail}>
          {[kind, address, version].filter((part) => part !== null).join(' · ')}
        </span>
      </th>
      <td data-label="Connected">
        <Since time={since} />
      </td>
      <td data-label="Round trip">
        {roundTripMs === null ? '–' : formatMilliseconds(roundTripMs)}
      </td>
      <td data-label="Behind" data-notable={connection.lagBytes > 0}>
        {formatSize(connection.lagBytes)}
      </td>
      <td data-label="Unacknowledged" data-notable={connection.unacknowledgedBytes > 0}>
        {formatSize(connection.unacknowledgedBytes)}
      </td>
      <td data-label="In">{rate(connection.bytesInPerSecond)}</td>
      <td data-label="Out">{rate(connection.bytesOutPerSecond)}</td>
      <td data-label="Reconnects">{reconnects ?? '–'}</td>
    </tr>
  );
}

function sorted(order: ConnectionOrder, column: ConnectionColumn) {
  if (order.column !== column) return undefined;
  return order.descending ? 'descending' : 'ascending';
}

function rate(bytesPerSecond: number | null): string {
  return bytesPerSecond === null ? '–' : formatRate(bytesPerSecond);
}
