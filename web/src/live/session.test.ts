import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Principal } from '../protocol/messages';
import { Session } from './session';
import { FakeStorage } from './testing/fakeStorage';

const ADA: Principal = {
  userId: 'usr_1',
  username: 'ada',
  role: 'owner',
  scopes: ['admin'],
  workspaceId: null,
  tokenId: null,
  hasPassword: false,
  sessionExpiresAt: null,
  expiresAt: null,
};

type Answer = () => Response | Promise<Response>;

const signedIn: Answer = () => Response.json(ADA);
const unreachable: Answer = () => Promise.reject(new TypeError('no network'));
const refused = (status: number, detail: string): Answer => {
  return () => Response.json({ title: 'No', status, detail, code: 'no' }, { status });
};
const gone: Answer = () => new Response(null, { status: 204 });
const notSignedIn = refused(401, 'Sign in first.');

let asked: string[] = [];
let tab = new FakeStorage();

/** A hub that gives the answers of a route in their order, the last one for ever. */
function hub(routes: Record<string, Answer[]>): void {
  asked = [];
  vi.stubGlobal('fetch', (path: string, { method }: RequestInit) => {
    const route = `${method} ${path}`;
    asked.push(route);
    const answers = routes[route] ?? [];
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    return Promise.resolve().then(answer ?? notSignedIn);
  });
}

function openPage(hash: string, pathname = '/tasks', search = '?text=x'): { shown: string } {
  const address = { shown: `${pathname}${search}${hash}` };
  const location = { hash, pathname, search };
  vi.stubGlobal('location', location);
  vi.stubGlobal('history', {
    replaceState: (_state: unknown, _title: string, url: string) => {
      address.shown = url;
      location.hash = new URL(url, 'http://hub').hash;
    },
  });
  return address;
}

beforeEach(() => {
  tab = new FakeStorage();
  openPage('');
});
afterEach(() => vi.unstubAllGlobals());

test('a link signs in, and leaves the address and nothing else of it', async () => {
  hub({ 'POST /api/session': [signedIn], 'GET /api/me': [signedIn] });
  const address = openPage('#link=secret');
  const session = new Session(tab);
  await session.start();
  expect(session.state.get()).toEqual({ kind: 'signedIn', me: ADA });
  expect(address.shown).toBe('/tasks?text=x');
});

test('why a link does not work is said', async () => {
  hub({ 'POST /api/session': [refused(401, 'This link was used.')], 'GET /api/me': [notSignedIn] });
  openPage('#link=secret');
  const session = new Session(tab);
  await session.start();
  expect(session.state.get()).toEqual({ kind: 'signedOut', notice: 'This link was used.' });
});

test('who is signed in already stays so, though the link was used', async () => {
  hub({ 'POST /api/session': [refused(401, 'This link was used.')], 'GET /api/me': [signedIn] });
  openPage('#link=secret');
  const session = new Session(tab);
  await session.start();
  expect(session.state.get().kind).toBe('signedIn');
});

test('a link is not lost while the hub cannot be reached', async () => {
  hub({ 'POST /api/session': [unreachable, unreachable, signedIn], 'GET /api/me': [signedIn] });
  openPage('#link=secret');
  const session = new Session(tab);
  const kinds: string[] = [];
  session.state.subscribe(() => {
    kinds.push(session.state.get().kind);
    // Not before it waits: that is set up right after it says so.
    queueMicrotask(() => session.askNow());
  });
  await session.start();
  expect(kinds).toEqual(['unreachable', 'unreachable', 'signedIn']);
});

test('a hub that is busy is left alone for as long as it asks, and that is said', async () => {
  const busy: Answer = () => Response.json({}, { status: 429, headers: { 'Retry-After': '5' } });
  hub({ 'GET /api/me': [busy, signedIn] });
  vi.useFakeTimers();
  const session = new Session(tab);
  const started = session.start();
  await vi.advanceTimersByTimeAsync(4_900);
  expect(session.state.get()).toMatchObject({ kind: 'unreachable', busy: true });
  session.askNow();
  await vi.advanceTimersByTimeAsync(50);
  expect(asked).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(5_100);
  await started;
  expect(asked).toHaveLength(2);
  expect(session.state.get().kind).toBe('signedIn');
  vi.useRealTimers();
});

test('nobody is asked for a reason when there simply is no session', async () => {
  hub({});
  const session = new Session(tab);
  await session.start();
  expect(session.state.get()).toEqual({ kind: 'signedOut', notice: null });
});

test('a session that another tab began is gone on with, and none is nothing', async () => {
  hub({ 'GET /api/me': [signedIn] });
  const session = new Session(tab);
  session.end('ended');
  await session.resume();
  expect(session.state.get()).toEqual({ kind: 'signedIn', me: ADA });
  hub({});
  session.end('ended');
  await session.resume();
  expect(session.state.get()).toEqual({ kind: 'signedOut', notice: 'ended' });
});

test('signing out everywhere ends every session', async () => {
  hub({ 'DELETE /api/session?everywhere=1': [() => new Response(null, { status: 204 })] });
  const session = new Session(tab);
  await session.signOut(true);
  expect(asked).toEqual(['DELETE /api/session?everywhere=1']);
  expect(session.state.get()).toEqual({ kind: 'signedOut', notice: null });
});

test('a link pasted into the page that is open signs in, and leaves the address at once', async () => {
  hub({ 'POST /api/session': [signedIn], 'GET /api/me': [notSignedIn, signedIn] });
  const session = new Session(tab);
  await session.start();
  const address = openPage('#link=secret');
  const used = session.addressChanged();
  expect(address.shown).toBe('/tasks?text=x');
  await used;
  expect(session.state.get()).toEqual({ kind: 'signedIn', me: ADA });
});

test('a pasted link that was used leaves the address too, and the next one works', async () => {
  hub({
    'POST /api/session': [refused(401, 'This link was used.'), signedIn],
    'GET /api/me': [notSignedIn, notSignedIn, signedIn],
  });
  const session = new Session(tab);
  await session.start();
  const address = openPage('#link=old');
  await session.addressChanged();
  expect(address.shown).not.toContain('link');
  expect(session.state.get()).toEqual({ kind: 'signedOut', notice: 'This link was used.' });
  openPage('#link=new');
  await session.addressChanged();
  expect(session.state.get().kind).toBe('signedIn');
});

test('what else changes behind the # asks the hub for nothing', async () => {
  hub({ 'GET /api/me': [signedIn] });
  const session = new Session(tab);
  await session.start();
  openPage('#account');
  await session.addressChanged();
  expect(asked).toEqual(['GET /api/me']);
});

test('a refused link is told to who stays signed in', async () => {
  hub({ 'POST /api/session': [refused(401, 'This link was used.')], 'GET /api/me': [signedIn] });
  openPage('#link=secret');
  const session = new Session(tab);
  await session.start();
  expect(session.linkProblem.get()).toBe('This link was used.');
});

test('a link leads back to the page where the session ended', async () => {
  hub({ 'POST /api/session': [signedIn], 'GET /api/me': [signedIn] });
  openPage('', '/tasks/tsk_1', '?at=7');
  new Session(tab).end('Your session has ended.');
  const address = openPage('#link=secret', '/', '');
  await new Session(tab).start();
  expect(address.shown).toBe('/tasks/tsk_1?at=7');
});

test('neither a sign-in in between nor a sign-out leaves anything to come back to', async () => {
  hub({
    'POST /api/session': [signedIn],
    'GET /api/me': [signedIn],
    'DELETE /api/session': [gone],
  });
  openPage('', '/tasks/tsk_1', '');
  const session = new Session(tab);
  session.end('Your session has ended.');
  await session.resume();
  await session.signOut();
  const address = openPage('#link=secret', '/', '');
  await new Session(tab).start();
  expect(address.shown).toBe('/');
});

test.each(['//evil.example/', `/${'x'.repeat(5_000)}`])(
  '%.20s… is nothing to come back to',
  (path) => {
    openPage('', path, '');
    new Session(tab).end(null);
    expect(tab.length).toBe(0);
  },
);
