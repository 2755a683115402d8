import { Button } from '@mantine/core';
import { useMe } from '../../hooks/useMe';
import { useWorkspaces } from '../../hooks/useWorkspaces';
import { joinCommandLine } from '../../live/argv';
import { isOwn, preferredWorkspace } from '../../live/whose';
import type { Workspace } from '../../protocol/messages';
import { Copyable } from '../Copyable';
import { Empty } from '../Empty';

/** Nothing has run yet, and what to do about it. `workspace`: nothing has run there. */
export function NoTasksYet({ workspace }: { workspace?: Workspace | undefined }) {
  const me = useMe();
  const { workspaces } = useWorkspaces();
  // With several there is no telling which one is meant.
  const named =
    workspace ?? (workspaces.length > 1 ? preferredWorkspace(workspaces, me) : undefined);
  const where = named === undefined ? [] : ['-w', isOwn(named, me) ? named.name : named.id];
  return (
    <Empty>
      <p>Nothing has run yet. Type a command above, or in a terminal:</p>
      <Copyable text={joinCommandLine(['arbor', 'run', ...where, '--', 'echo', 'hello'])} />
    </Empty>
  );
}

/** The filter leaves nothing. */
export function NoTasksFound({ onClear }: { onClear: () => void }) {
  return (
    <Empty>
      <p>No task matches.</p>
      <Button onClick={onClear}>Show all tasks</Button>
    </Empty>
  );
}
