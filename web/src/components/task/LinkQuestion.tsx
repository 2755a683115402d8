import { Button, Modal } from '@mantine/core';
import styles from './CancelDialog.module.css';

interface Props {
  /** Where the output wants to lead; null: nowhere now. */
  url: string | null;
  onClose: () => void;
}

/** Addresses in an output were written by a program: nobody goes there without having read them. */
export function LinkQuestion({ url, onClose }: Props) {
  const open = () => {
    if (url !== null) window.open(url, '_blank', 'noopener,noreferrer');
    onClose();
  };
  return (
    <Modal opened={url !== null} onClose={onClose} title="Open this address?">
      <p>The task's output leads here, whatever its text says:</p>
      <p className={styles.address}>
        <code>{url}</code>
      </p>
      <div className={styles.choices}>
        <Button onClick={onClose} data-autofocus>
          Stay here
        </Button>
        <Button onClick={open}>Open in a new tab</Button>
      </div>
    </Modal>
  );
}
