import { Button } from '@mantine/core';
import { Copyable } from '../Copyable';
import { Empty } from '../Empty';

/** Nothing has run yet, and what to do about it. */
export function NoTasksYet() {
  return (
    <Empty>
      <p>Nothing has run yet. Type a command above, or in a terminal:</p>
      <Copyable text="arbor run -- echo hello" />
    </Empty>
  );
}

/** The filter leaves nothing. */
export function NoTasksFound({ onClear }: { onClear: () => void }) {
  return (
    <Empty>
      <p>No task is like that.</p>
      <Button onClick={onClear}>Show all tasks</Button>
    </Empty>
  );
}
