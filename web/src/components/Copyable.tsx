import { Button, CopyButton } from '@mantine/core';
import styles from './Copyable.module.css';

const SHOWN_MS = 2_000;
// Browsers have no clipboard for pages that came over plain http from elsewhere.
const CAN_COPY = navigator.clipboard !== undefined;

/** A command or a secret to copy. */
export function Copyable({ text }: { text: string }) {
  return (
    <div className={styles.copyable}>
      <code>{text}</code>
      {CAN_COPY && (
        <CopyButton value={text} timeout={SHOWN_MS}>
          {({ copied, copy }) => (
            <Button size="compact-sm" onClick={copy}>
              {copied ? 'Copied' : 'Copy'}
            </Button>
          )}
        </CopyButton>
      )}
    </div>
  );
}
