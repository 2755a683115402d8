import { Button } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { lazy, Suspense } from 'react';
import { useTaskControls } from '../../hooks/useTaskControls';
import { isFinal } from '../../live/merge';
import { taskName } from '../../live/oneLine';
import type { Task } from '../../protocol/messages';
import { Problem } from '../Problem';
import { StatusChip } from '../StatusChip';
import { LaterTaskScreen } from '../task/LaterTaskScreen';
import styles from './TerminalPanel.module.css';
import { PANEL_ID } from './TerminalTabs';

const CancelDialog = lazy(() => import('../task/CancelDialog'));

/** One terminal with the keyboard in it. */
export function TerminalPanel({ task }: { task: Task }) {
  const controls = useTaskControls(task);
  return (
    <section id={PANEL_ID} role="tabpanel" className={styles.panel} aria-label={taskName(task)}>
      <div className={styles.head}>
        <StatusChip task={task} />
        <Link to="/tasks/$taskId" params={{ taskId: task.id }}>
          Details
        </Link>
        <span className={styles.hint}>
          It keeps running when you leave. <kbd>Ctrl Shift .</kbd> is the way out by keyboard.
        </span>
        {!isFinal(task.status) && (
          <Button size="compact-sm" className={styles.end} onClick={controls.askToCancel}>
            End terminal
          </Button>
        )}
      </div>
      {controls.problem !== null && <Problem error={controls.problem} />}
      <Suspense>
        <LaterTaskScreen task={task} startAt={null} focused onController={nobody} />
      </Suspense>
      <Suspense>
        {controls.asking && (
          <CancelDialog task={task} opened onClose={controls.keep} onCancel={controls.cancel} />
        )}
      </Suspense>
    </section>
  );
}

function nobody(): void {
  // The panel needs nothing of the output.
}
