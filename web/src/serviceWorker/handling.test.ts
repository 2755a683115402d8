import { describe, expect, it } from 'vitest';
import { handlingOf } from './handling';

const ORIGIN = 'https://hub.example';

const get = (path: string, mode = 'cors') => ({ url: `${ORIGIN}${path}`, method: 'GET', mode });

describe('what the service worker keeps', () => {
  it.each(['/', '/tasks/tsk_1?at=7', '/#link=secret'])('opens %s as the page', (path) => {
    expect(handlingOf(get(path, 'navigate'), ORIGIN)).toBe('page');
  });

  it('takes files with a hash in their name from where they were kept', () => {
    expect(handlingOf(get('/assets/index-1a2b.js'), ORIGIN)).toBe('file');
  });

  it.each(['/api/tasks', '/api/tasks/tsk_1/output?download=1', '/api/docs'])(
    'leaves %s to the hub, however it is asked for',
    (path) => {
      expect(handlingOf(get(path), ORIGIN)).toBe('hub');
      expect(handlingOf(get(path, 'navigate'), ORIGIN)).toBe('hub');
    },
  );

  it('leaves alone what changes something or belongs to another site', () => {
    expect(handlingOf({ ...get('/assets/x.js'), method: 'POST' }, ORIGIN)).toBe('hub');
    expect(handlingOf(get('/assets/x.js'), 'https://other.example')).toBe('hub');
  });
});
