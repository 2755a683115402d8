import { expect, test } from 'vitest';
import { readinessProblems } from './readiness';

const OK = { ok: true, reason: null };

test('a hub that is ready has no problems', () => {
  const checks = { database: OK, disk: OK, draining: OK };
  expect(readinessProblems({ ready: true, checks, reasons: [] })).toEqual([]);
});

test('a check that fails is said in words, with what the hub says', () => {
  const checks = { database: OK, disk: { ok: false, reason: '3 bytes are free' }, draining: OK };
  const [problem] = readinessProblems({ ready: false, checks, reasons: ['3 bytes are free'] });
  expect(problem).toMatchObject({
    title: 'The disk of the hub is nearly full',
    reason: '3 bytes are free',
  });
});

test('a check of a newer hub is named', () => {
  const checks = { mail: { ok: false, reason: 'no route' } };
  const [problem] = readinessProblems({ ready: false, checks, reasons: [] });
  expect(problem?.title).toContain('mail');
});
