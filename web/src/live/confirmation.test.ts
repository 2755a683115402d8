import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Confirmation, linkSecret } from './confirmation';
import { ApiError, askForConfirmation, post } from './http';

const NEEDED = { title: 'No', status: 403, detail: 'Confirm.', code: 'confirmation_needed' };
const WRONG = { title: 'No', status: 403, detail: 'It is wrong.', code: 'wrong_password' };

type Answer = () => Response;

const done: Answer = () => new Response(null, { status: 204 });
const made: Answer = () => Response.json({ id: 'tok_1' }, { status: 201 });
const refused = (problem: { status: number }): Answer => {
  return () => Response.json(problem, { status: problem.status });
};

let asked: { path: string; body: unknown }[] = [];
let confirmation = new Confirmation();

/** A hub that gives the answers of a path in their order, the last one for ever. */
function hub(answers: Record<string, Answer[]>): void {
  asked = [];
  vi.stubGlobal('fetch', (path: string, { body }: RequestInit) => {
    asked.push({ path, body: JSON.parse(String(body)) });
    const left = answers[path] ?? [];
    const answer = left.length > 1 ? left.shift() : left[0];
    return Promise.resolve().then(answer ?? done);
  });
}

async function untilAsked(): Promise<void> {
  await vi.waitUntil(() => confirmation.asked.get());
}

beforeEach(() => {
  confirmation = new Confirmation();
  askForConfirmation(confirmation.ask);
});
afterEach(() => {
  askForConfirmation(null);
  vi.unstubAllGlobals();
});

test('what was asked for is done after the confirmation, as it was', async () => {
  hub({ '/api/tokens': [refused(NEEDED), made], '/api/session/confirm': [done] });
  const token = post('/api/tokens', { name: 'ci' });
  await untilAsked();
  await confirmation.confirm({ password: 'correct horse' });
  expect(await token).toEqual({ id: 'tok_1' });
  expect(confirmation.asked.get()).toBe(false);
  expect(asked).toEqual([
    { path: '/api/tokens', body: { name: 'ci' } },
    { path: '/api/session/confirm', body: { password: 'correct horse' } },
    { path: '/api/tokens', body: { name: 'ci' } },
  ]);
});

test('a wrong password is said, and asked for again', async () => {
  hub({ '/api/tokens': [refused(NEEDED), made], '/api/session/confirm': [refused(WRONG), done] });
  const token = post('/api/tokens', { name: 'ci' });
  await untilAsked();
  await expect(confirmation.confirm({ password: 'x' })).rejects.toThrow('It is wrong.');
  expect(confirmation.asked.get()).toBe(true);
  await confirmation.confirm({ link: 'secret' });
  expect(await token).toEqual({ id: 'tok_1' });
});

test('who leaves it is told why nothing was done', async () => {
  hub({ '/api/tokens': [refused(NEEDED)] });
  const token = post('/api/tokens', { name: 'ci' });
  await untilAsked();
  confirmation.leave();
  await expect(token).rejects.toThrow('Confirm.');
  expect(asked).toHaveLength(1);
});

test('requests at once ask once', async () => {
  hub({ '/api/tokens': [refused(NEEDED), refused(NEEDED), made], '/api/session/confirm': [done] });
  const both = [post('/api/tokens', { name: 'a' }), post('/api/tokens', { name: 'b' })];
  await vi.waitUntil(() => asked.length === 2);
  await untilAsked();
  await confirmation.confirm({ password: 'correct horse' });
  expect(await Promise.all(both)).toHaveLength(2);
  expect(asked.filter(({ path }) => path === '/api/session/confirm')).toHaveLength(1);
});

test('a hub that is never content is not asked for ever', async () => {
  hub({ '/api/tokens': [refused(NEEDED)], '/api/session/confirm': [done] });
  const token = post('/api/tokens', { name: 'ci' });
  await untilAsked();
  await confirmation.confirm({ password: 'correct horse' });
  await expect(token).rejects.toBeInstanceOf(ApiError);
  expect(asked.filter(({ path }) => path === '/api/tokens')).toHaveLength(2);
});

test.each([
  ['https://arbor.example.org/#link=arb_k_1', 'arb_k_1'],
  [' http://127.0.0.1:4000/#link=arb_k_1 \n', 'arb_k_1'],
  ['arb_k_1', 'arb_k_1'],
  ['', ''],
])('%j holds the secret %j', (text, secret) => {
  expect(linkSecret(text)).toBe(secret);
});
