import { Button } from '@mantine/core';
import { useEffect, useState } from 'react';
import { useClient } from '../hooks/useClient';
import { useNotifications } from '../hooks/useNotifications';
import type { Task } from '../protocol/messages';
import styles from './NotifyOffer.module.css';

/** Who waits this long may want to look elsewhere meanwhile. */
const OFFER_AFTER_MS = 10_000;

/** Offers to tell when a task ends that was started here and takes its time. */
export function NotifyOffer({ task }: { task: Task }) {
  const { directory } = useClient();
  const isRunningHere = task.status === 'running' && directory.startedHere.has(task.id);
  return isRunningHere ? <Offer /> : null;
}

function Offer() {
  const { isOn, permission, turn } = useNotifications();
  const [isTime, setIsTime] = useState(false);
  const [answered, setAnswered] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setIsTime(true), OFFER_AFTER_MS);
    return () => clearTimeout(timer);
  }, []);
  const answer = () => {
    setAnswered(true);
    void turn(true);
  };
  if (answered) {
    return (
      <span className={styles.offer} role="status">
        {isOn && 'You will be told when it ends.'}
        {permission === 'blocked' && 'This browser does not allow notifications from here.'}
      </span>
    );
  }
  if (!isTime || isOn || permission === 'blocked' || permission === 'impossible') return null;
  return (
    <span className={styles.offer}>
      <Button size="compact-xs" variant="subtle" onClick={answer}>
        Tell me when it ends
      </Button>
    </span>
  );
}
