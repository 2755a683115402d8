import { beforeEach, expect, test } from 'vitest';
import type { Workspace } from '../protocol/messages';
import { destination, LastMachine } from './lastMachine';
import { FakeStorage } from './testing/fakeStorage';

const WS = { id: 'ws_2', name: 'ws' };

let storage: FakeStorage;

beforeEach(() => {
  storage = new FakeStorage();
});

function signedIn(userId: string): LastMachine {
  const last = new LastMachine(storage);
  last.belongTo(userId);
  return last;
}

test('the machine is remembered by the browser, for the user who ran something there', () => {
  expect(signedIn('usr_1').get()).toBeNull();
  signedIn('usr_1').remember(WS);
  expect(signedIn('usr_1').get()).toEqual(WS);
  expect(signedIn('usr_2').get()).toBeNull();
});

test('signing out forgets it', () => {
  const last = signedIn('usr_1');
  last.remember(WS);
  last.forget();
  expect(signedIn('usr_1').get()).toBeNull();
});

test.each(['nonsense', '7', '{"userId":"usr_1"}', '{"userId":"usr_1","id":7,"name":"ws"}'])(
  'of %s in the storage nothing is believed',
  (stored) => {
    storage.setItem('arbor.machine', stored);
    expect(signedIn('usr_1').get()).toBeNull();
  },
);

test('it is that machine or none, however it stands', () => {
  const others = [{ id: 'ws_1', state: 'connected' }] as Workspace[];
  const meant = { id: 'ws_2', state: 'unreachable' } as Workspace;
  expect(destination(WS, [...others, meant])).toEqual({ workspace: meant, missing: null });
  expect(destination(WS, others)).toEqual({ workspace: null, missing: 'ws' });
});
