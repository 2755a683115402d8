import { type FocusEvent, type KeyboardEvent, useEffect, useId, useRef, useState } from 'react';
import { findCommands, type PastCommand } from '../../live/commandHistory';
import { oneLine } from '../../live/oneLine';
import { Since } from '../Since';
import styles from './HistorySearch.module.css';

const SHOWN_COMMANDS = 50;

interface Props {
  commands: readonly PastCommand[];
  onChoose: (command: PastCommand) => void;
  onClose: () => void;
}

/** Finds an earlier command by some of its letters. */
export default function HistorySearch({ commands, onChoose, onClose }: Props) {
  const [text, setText] = useState('');
  const [active, setActive] = useState(0);
  const list = useId();
  const field = useRef<HTMLInputElement>(null);
  const marked = useRef<HTMLDivElement>(null);
  const found = findCommands(commands, text).slice(0, SHOWN_COMMANDS);
  useEffect(() => field.current?.focus(), []);
  // biome-ignore lint/correctness/useExhaustiveDependencies: whenever another one is marked
  useEffect(() => {
    void marked.current?.scrollIntoView({ block: 'nearest' });
  }, [active]);

  const choose = (command: PastCommand | undefined) => {
    if (command !== undefined) onChoose(command);
    onClose();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const step = stepOf(event);
    if (event.key === 'Enter') choose(found[active]);
    else if (event.key === 'Escape') onClose();
    else if (step !== 0) setActive(Math.max(0, Math.min(found.length - 1, active + step)));
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: it closes when the focus goes elsewhere
    <div className={styles.panel} onBlur={(event) => leaves(event) && onClose()}>
      <input
        ref={field}
        className={styles.field}
        role="combobox"
        aria-label="Search earlier commands"
        aria-expanded="true"
        aria-controls={list}
        aria-activedescendant={found.length > 0 ? `${list}-${active}` : undefined}
        placeholder="Search earlier commands"
        autoComplete="off"
        autoCapitalize="none"
        spellCheck={false}
        value={text}
        onKeyDown={onKeyDown}
        onChange={(event) => {
          setText(event.target.value);
          setActive(0);
        }}
      />
      <div id={list} className={styles.list} role="listbox" aria-label="Earlier commands">
        {found.map((command, index) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the keys are those of the field
          <div
            key={`${command.at} ${command.line}`}
            id={`${list}-${index}`}
            ref={index === active ? marked : null}
            role="option"
            aria-selected={index === active}
            tabIndex={-1}
            onClick={() => choose(command)}
          >
            <code title={command.line}>{oneLine(command.line)}</code>
            {command.shell && <span>shell</span>}
            <Since time={new Date(command.at).toISOString()} />
          </div>
        ))}
      </div>
      {found.length === 0 && (
        <p className={styles.none}>
          {commands.length === 0 ? 'Nothing has run here yet.' : 'No earlier command has that.'}
        </p>
      )}
    </div>
  );
}

/** Ctrl R once more goes further back, as in a shell. */
function stepOf({ key, ctrlKey }: KeyboardEvent): number {
  if (key === 'ArrowDown' || (key === 'r' && ctrlKey)) return 1;
  return key === 'ArrowUp' ? -1 : 0;
}

function leaves({ currentTarget, relatedTarget }: FocusEvent): boolean {
  return !currentTarget.contains(relatedTarget);
}
