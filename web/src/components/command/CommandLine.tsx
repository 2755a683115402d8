import type { KeyboardEvent, RefObject } from 'react';
import styles from './CommandBar.module.css';

const MAX_ROWS = 12;

interface Props {
  ref: RefObject<HTMLTextAreaElement | null>;
  line: string;
  onChange: (line: string) => void;
  onRun: () => void;
  onRecall: (step: 1 | -1) => boolean;
  onSearch: () => void;
  onFocus: () => void;
}

/** The line itself, or several: Enter runs it, the arrows go through earlier ones. */
export function CommandLine({ ref, line, onChange, onRun, onRecall, onSearch, onFocus }: Props) {
  const onKeyDown = (event: KeyboardEvent<HTMLTextAreaElement>) => {
    if (event.nativeEvent.isComposing) return;
    const isPlain = !event.ctrlKey && !event.metaKey && !event.altKey && !event.shiftKey;
    if (event.key === 'Enter' && isPlain) {
      event.preventDefault();
      onRun();
    } else if (event.key === 'r' && event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      onSearch();
    } else if (event.key === 'Escape') {
      event.currentTarget.blur();
    } else if (isPlain && isAtEdge(event)) {
      if (onRecall(event.key === 'ArrowUp' ? 1 : -1)) event.preventDefault();
    }
  };
  return (
    <textarea
      ref={ref}
      className={styles.line}
      aria-label="Command"
      aria-keyshortcuts="i"
      placeholder="make -j8 test"
      autoCapitalize="none"
      autoComplete="off"
      autoCorrect="off"
      spellCheck={false}
      enterKeyHint="go"
      rows={Math.min(MAX_ROWS, line.split('\n').length)}
      value={line}
      onFocus={onFocus}
      onKeyDown={onKeyDown}
      onChange={(event) => onChange(event.target.value)}
    />
  );
}

/** Up in the first line, or down in the last one: there is nothing to move to. */
function isAtEdge({ key, currentTarget }: KeyboardEvent<HTMLTextAreaElement>): boolean {
  const { value, selectionStart, selectionEnd } = currentTarget;
  if (key === 'ArrowUp') return !value.slice(0, selectionStart).includes('\n');
  return key === 'ArrowDown' && !value.slice(selectionEnd).includes('\n');
}
