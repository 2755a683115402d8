import { useNow } from '../hooks/useNow';
import { formatDuration, formatSize } from '../live/format';
import { isFinal } from '../live/merge';
import { elapsed } from '../live/words';
import type { Task, Workspace } from '../protocol/messages';
import styles from './TaskFacts.module.css';

export function TaskFacts({ task, workspace }: { task: Task; workspace: Workspace | undefined }) {
  const now = useNow(task.status === 'running' ? 1000 : null);
  const seconds = elapsed(task, now);
  const missing = task.gaps.reduce((sum, gap) => sum + gap.to - gap.from, 0);
  return (
    <dl className={styles.facts}>
      <Fact name="Elapsed">{seconds === null ? 'not started' : formatDuration(seconds)}</Fact>
      {isFinal(task.status) && <Fact name="Output">{formatSize(task.outputSize)}</Fact>}
      {task.exitCode !== null && <Fact name="Exit code">{task.exitCode}</Fact>}
      {task.signal !== null && <Fact name="Signal">{task.signal}</Fact>}
      <Fact name="Folder">
        <code>{task.cwd === '.' ? (workspace?.path ?? '.') : task.cwd}</code>
      </Fact>
      <Fact name="Time limit">{task.timeout === null ? 'none' : formatDuration(task.timeout)}</Fact>
      {task.shell && <Fact name="Shell">/bin/sh -c</Fact>}
      {task.tty !== null && <Fact name="Terminal">{`${task.tty.cols} × ${task.tty.rows}`}</Fact>}
      <Fact name="Missing">{missing === 0 ? 'none' : formatSize(missing)}</Fact>
    </dl>
  );
}

function Fact({ name, children }: { name: string; children: React.ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
