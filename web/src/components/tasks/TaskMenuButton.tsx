import { ActionIcon, type ActionIconProps, type ElementProps } from '@mantine/core';
import { Suspense, useState } from 'react';
import { taskName } from '../../live/oneLine';
import type { Task } from '../../protocol/messages';
import { LaterTaskMenu } from '../Later';
import styles from './TaskRow.module.css';

/** The menu behind it is made when it is asked for: a list has many of them. */
export function TaskMenuButton({ task, tabIndex }: { task: Task; tabIndex: number }) {
  const [asked, setAsked] = useState(false);
  const button = (
    <TaskMenuTarget
      task={task}
      tabIndex={tabIndex}
      aria-haspopup="menu"
      onClick={() => setAsked(true)}
    />
  );
  return (
    <span className={styles.menu}>
      {asked ? (
        <Suspense fallback={button}>
          <LaterTaskMenu task={task} tabIndex={tabIndex} />
        </Suspense>
      ) : (
        button
      )}
    </span>
  );
}

interface TargetProps extends ActionIconProps, ElementProps<'button', keyof ActionIconProps> {
  task: Task;
}

export function TaskMenuTarget({ task, ...others }: TargetProps) {
  return (
    <ActionIcon
      size={28}
      data-menu={task.id}
      aria-label={`Actions for ${taskName(task)}`}
      {...others}
    >
      <span aria-hidden="true">⋯</span>
    </ActionIcon>
  );
}
