import { useState } from 'react';
import styles from './Copyable.module.css';

/** A command to copy. */
export function Copyable({ text }: { text: string }) {
  const [copied, setCopied] = useState<string | null>(null);
  // Browsers have no clipboard for pages that came over plain http from elsewhere.
  const canCopy = navigator.clipboard !== undefined;
  const copy = () => {
    navigator.clipboard.writeText(text).then(
      () => setCopied(text),
      () => setCopied(null),
    );
  };
  return (
    <div className={styles.copyable}>
      <code>{text}</code>
      {canCopy && (
        <button type="button" className="quiet" onClick={copy}>
          {copied === text ? 'Copied' : 'Copy'}
        </button>
      )}
    </div>
  );
}
