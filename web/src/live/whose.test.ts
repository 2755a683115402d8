import { expect, test } from 'vitest';
import type { Principal, Workspace } from '../protocol/messages';
import { isOwn, ownFirst, preferredWorkspace, shownName } from './whose';

const ME = { userId: 'usr_me', role: 'owner' } as Principal;
const MINE = { id: 'usr_me', username: 'me' };
const THEIRS = { id: 'usr_mallory', username: 'mallory' };

function workspace(
  name: string,
  owner: Workspace['owner'],
  state: Workspace['state'] = 'connected',
): Workspace {
  return { id: `ws_${name}`, name, owner, state } as Workspace;
}

test("another account's workspace is called by its account and name", () => {
  expect(shownName(workspace('lab', MINE), ME)).toBe('lab');
  expect(shownName(workspace('lab', THEIRS), ME)).toBe('mallory/lab');
});

test.each([
  ['owner', false],
  ['member', true],
] as const)('where the hub does not say, an account that is %s', (role, own) => {
  const unsaid = workspace('lab', null);
  expect(isOwn(unsaid, { ...ME, role })).toBe(own);
  expect(shownName(unsaid, { ...ME, role })).toBe('lab');
});

test('no name of another account comes before what is preferred', () => {
  const lure = workspace('a', THEIRS);
  const away = workspace('lab', MINE, 'unreachable');
  const here = workspace('zoo', MINE);
  expect(preferredWorkspace([lure, away, here], ME)).toBe(here);
  expect(preferredWorkspace([lure, away], ME)).toBe(away);
  expect(preferredWorkspace([lure], ME)).toBeUndefined();
  expect(ownFirst([lure, away, here], ME)).toEqual([away, here, lure]);
});
