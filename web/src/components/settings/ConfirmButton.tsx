import { Button, Modal } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import type { ReactNode } from 'react';
import { useAction } from '../../hooks/useAction';
import { Problem } from '../Problem';
import styles from './settings.module.css';

interface Props {
  /** On the button that asks. */
  label: string;
  /** For whom `label` alone says too little. */
  name: string;
  question: string;
  /** On the button that does it. */
  confirm: string;
  onConfirm: () => Promise<unknown>;
  /** What will happen. */
  children: ReactNode;
}

/** A button for what cannot be taken back: it asks first, and says what will happen. */
export function ConfirmButton({ label, name, question, confirm, onConfirm, children }: Props) {
  const [opened, { open, close }] = useDisclosure(false);
  const action = useAction();
  const run = () =>
    action.run(async () => {
      await onConfirm();
      close();
    });
  return (
    <>
      <Button size="xs" aria-label={name} onClick={open}>
        {label}
      </Button>
      <Modal opened={opened} onClose={close} title={question}>
        <div className={styles.form}>
          <div className={styles.about}>{children}</div>
          {action.problem !== null && <Problem error={action.problem} />}
          <div className={styles.buttons}>
            <Button onClick={close}>Leave it</Button>
            <Button variant="filled" color="red" disabled={action.busy} onClick={run}>
              {confirm}
            </Button>
          </div>
        </div>
      </Modal>
    </>
  );
}
