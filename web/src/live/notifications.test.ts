import { describe, expect, it } from 'vitest';
import type { Task, Workspace } from '../protocol/messages';
import { EndNotices } from './notifications';

const WORKSPACE: Workspace = {
  id: 'wsp_1',
  name: 'gpu-box',
  state: 'connected',
} as Workspace;

function aTask(change: Partial<Task>): Task {
  return {
    id: 'tsk_1',
    workspaceId: 'wsp_1',
    command: 'make',
    args: ['test'],
    shell: false,
    title: null,
    status: 'running',
    reason: null,
    signal: null,
    exitCode: null,
    startedAt: '2026-01-01T10:00:00Z',
    finishedAt: null,
    ...change,
  } as Task;
}

const FAILED = aTask({ status: 'failed', exitCode: 2, finishedAt: '2026-01-01T10:00:41Z' });

function next(notices: EndNotices, task: Task, isHidden = true) {
  return notices.next([task], [WORKSPACE], isHidden);
}

describe('being told of ends', () => {
  it('tells how a task that was started here ended, once', () => {
    const notices = new EndNotices(new Set(['tsk_1']));
    expect(next(notices, aTask({}))).toEqual([]);
    expect(next(notices, FAILED)).toEqual([
      { taskId: 'tsk_1', title: 'Failed: make test', body: 'exit 2 · 41 s · gpu-box' },
    ]);
    expect(next(notices, FAILED)).toEqual([]);
  });

  it('tells nothing of what others started', () => {
    expect(next(new EndNotices(new Set()), FAILED)).toEqual([]);
  });

  it('tells nothing of what ended before somebody’s eyes, not later either', () => {
    const notices = new EndNotices(new Set(['tsk_1']));
    expect(next(notices, FAILED, false)).toEqual([]);
    expect(next(notices, FAILED, true)).toEqual([]);
  });

  it('hears of tasks that are started after it', () => {
    const startedHere = new Set<string>();
    const notices = new EndNotices(startedHere);
    startedHere.add('tsk_1');
    expect(next(notices, FAILED)).toHaveLength(1);
  });

  it('leaves out what is not known', () => {
    const lost = aTask({ status: 'lost', startedAt: null, workspaceId: 'wsp_2' });
    const [notice] = next(new EndNotices(new Set(['tsk_1'])), lost);
    expect(notice).toMatchObject({ title: 'Lost: make test', body: '' });
  });
});
