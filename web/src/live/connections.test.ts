import { expect, test } from 'vitest';
import type { Connection } from '../protocol/messages';
import { connectionName, sortConnections } from './connections';

const NOBODY = {
  userId: null,
  username: null,
  daemonId: null,
  workspaceId: null,
  workspaceName: null,
};

function connection(id: string, change: Partial<Connection>): Connection {
  return {
    id,
    kind: 'viewer',
    who: NOBODY,
    address: '10.0.0.1',
    since: '2026-01-01T00:00:00Z',
    version: null,
    subprotocol: 'arbor.v1.msgpack',
    epoch: null,
    roundTripMs: null,
    bytesIn: 0,
    bytesOut: 0,
    messagesIn: 0,
    messagesOut: 0,
    bytesInPerSecond: null,
    bytesOutPerSecond: null,
    unacknowledgedBytes: 0,
    lagBytes: 0,
    lagMs: null,
    subscriptions: 0,
    reconnects: null,
    ...change,
  };
}

const fast = connection('a', { roundTripMs: 0.8, who: { ...NOBODY, workspaceName: 'gpu-box' } });
const slow = connection('b', { roundTripMs: 80, who: { ...NOBODY, username: 'ada' } });
const unknown = connection('c', { who: { ...NOBODY, daemonId: 'dmn_1' } });

test.each([
  [false, ['a', 'b', 'c']],
  [true, ['b', 'a', 'c']],
])('what is not known comes last, descending: %s', (descending, ids) => {
  const sorted = sortConnections([unknown, slow, fast], { column: 'roundTripMs', descending });
  expect(sorted.map(({ id }) => id)).toEqual(ids);
});

test('names are sorted as people read them', () => {
  const sorted = sortConnections([fast, slow, unknown], { column: 'who', descending: false });
  expect(sorted.map(connectionName)).toEqual(['ada', 'dmn_1', 'gpu-box']);
});

test('equals keep one order, whatever order they come in', () => {
  const order = { column: 'lagBytes', descending: true } as const;
  expect(sortConnections([slow, unknown, fast], order)).toEqual(
    sortConnections([fast, slow, unknown], order),
  );
});
