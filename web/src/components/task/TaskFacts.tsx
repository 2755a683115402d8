import { useHubNow } from '../../hooks/useNow';
import { useStore } from '../../hooks/useStore';
import { useTaskStaleSince } from '../../hooks/useTaskStaleSince';
import { formatDuration, formatMilliseconds, formatSize } from '../../live/format';
import { isFinal } from '../../live/merge';
import { shownText } from '../../live/octets';
import { Store } from '../../live/store';
import { elapsed } from '../../live/words';
import type { Task, Workspace } from '../../protocol/messages';
import type { OutputController, OutputViewState } from '../terminal';
import styles from './TaskFacts.module.css';

interface Props {
  task: Task;
  workspace: Workspace | undefined;
  /** Null until the terminal is loaded. */
  controller: OutputController | null;
}

/** The strip of figures; each has its place from the start, so that nothing moves. */
export function TaskFacts({ task, workspace, controller }: Props) {
  const over = isFinal(task.status);
  const staleSince = useTaskStaleSince(task);
  const isStale = staleSince !== null;
  const now = useHubNow(task.status === 'running' && !isStale ? 1000 : null);
  const seconds = elapsed(task, staleSince ?? now);
  const missing = task.gaps.reduce((sum, gap) => sum + gap.to - gap.from, 0);
  return (
    <dl className={styles.facts} tabIndex={0} aria-label="Facts" data-stale={isStale || undefined}>
      <Fact name="Elapsed" width={9}>
        {seconds === null ? 'not started' : formatDuration(seconds)}
      </Fact>
      <OutputFacts task={task} over={over} isStale={isStale} controller={controller} />
      {task.exitCode !== null && <Fact name="Exit code">{task.exitCode}</Fact>}
      {task.signal !== null && <Fact name="Signal">{task.signal}</Fact>}
      <Fact name="Folder">
        <code>{shownText(task.cwd === '.' ? (workspace?.path ?? '.') : task.cwd)}</code>
      </Fact>
      <Fact name="Time limit">{task.timeout === null ? 'none' : formatDuration(task.timeout)}</Fact>
      {task.stdin === 'empty' && <Fact name="Input">empty</Fact>}
      {task.shell && (
        <Fact name="Shell">
          <code>/bin/sh -c</code>
        </Fact>
      )}
      {task.tty !== null && <Fact name="Terminal">{`${task.tty.cols} × ${task.tty.rows}`}</Fact>}
      <Fact name="Missing" tone={missing === 0 ? undefined : 'amber'}>
        {missing === 0 ? 'none' : formatSize(missing)}
      </Fact>
    </dl>
  );
}

const NO_VIEW = new Store<OutputViewState | null>(null);

interface OutputFactsProps {
  task: Task;
  over: boolean;
  /** How fast it grows now, and how far it is behind, cannot be known. */
  isStale: boolean;
  controller: OutputController | null;
}

function OutputFacts({ task, over, isStale, controller }: OutputFactsProps) {
  const view = useStore<OutputViewState | null>(controller?.view ?? NO_VIEW);
  const size = formatSize(Math.max(view?.size ?? 0, task.outputSize));
  if (over) {
    return <Fact name="Output">{size}</Fact>;
  }
  return (
    <>
      <Fact name="Output" width={7}>
        {size}
      </Fact>
      <Fact name="Rate" width={8}>
        {isStale || view === null ? UNKNOWN : rate(view)}
      </Fact>
      <Fact name="Behind" width={13}>
        {isStale || view === null ? UNKNOWN : behind(view)}
      </Fact>
    </>
  );
}

const UNKNOWN = '–';

function rate({ ratePerSecond }: OutputViewState): string {
  return ratePerSecond > 0 ? `${formatSize(Math.round(ratePerSecond))}/s` : 'quiet';
}

function behind({ behindBytes, behindMs }: OutputViewState): string {
  if (behindBytes === null) return 'held';
  const late = behindMs === null ? '' : `, ${formatMilliseconds(behindMs)}`;
  return `${formatSize(behindBytes)}${late}`;
}

interface FactProps {
  name: string;
  children: React.ReactNode;
  /** In characters, for a value that changes. */
  width?: number;
  tone?: 'amber' | undefined;
}

function Fact({ name, children, width, tone }: FactProps) {
  return (
    <div style={width === undefined ? undefined : { minWidth: `${width}ch` }}>
      <dt>{name}</dt>
      <dd data-tone={tone}>{children}</dd>
    </div>
  );
}
