import { describe, expect, it } from 'vitest';
import type { Task } from '../protocol/messages';
import { tabTitle } from './tabTitle';

const TASK = {
  command: 'make',
  args: ['test'],
  shell: false,
  title: null,
  status: 'running',
} as unknown as Task;

describe('the title of a task’s tab', () => {
  it('says how the task stands and what it is', () => {
    expect(tabTitle(TASK)).toBe('● make test');
    expect(tabTitle({ ...TASK, status: 'failed', title: 'Nightly' })).toBe('✗ Nightly');
    expect(tabTitle(TASK, true)).toBe('◌ make test');
  });

  it('is one short line, whatever the command is', () => {
    const command = `first\nsecond\u202e${'x'.repeat(200)}`;
    const title = tabTitle({ ...TASK, shell: true, command, args: [] });
    expect(title).toMatch(/^● first second x+…$/);
    expect([...title]).toHaveLength(82);
  });
});
