import { TextInput } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { useEffect, useRef, useState } from 'react';
import { useShortcuts } from '../../hooks/useShortcuts';
import { STATUS_LABELS } from '../../live/words';
import type { TaskStatus } from '../../protocol/messages';
import type { TasksSearch } from '../../routes';
import { AsOf } from '../AsOf';
import styles from './TaskFilter.module.css';

const TYPING_MS = 250;

interface Props {
  search: TasksSearch;
  onSearch: (change: { [Name in keyof TasksSearch]: TasksSearch[Name] | undefined }) => void;
}

/** Which tasks are listed: by what they say, and by how they stand. */
export function TaskFilter({ search, onSearch }: Props) {
  const field = useRef<HTMLInputElement>(null);
  const [text, setText] = useState(search.text ?? '');
  const searchLater = useDebouncedCallback(
    (typed: string) => onSearch({ text: typed || undefined }),
    TYPING_MS,
  );
  useEffect(() => {
    if (document.activeElement !== field.current) setText(search.text ?? '');
  }, [search.text]);
  useShortcuts([
    { key: '/', label: 'Search the tasks', group: 'Tasks', run: () => field.current?.focus() },
  ]);
  const type = (typed: string) => {
    setText(typed);
    searchLater(typed);
  };
  return (
    <search className={styles.filter}>
      <TextInput
        ref={field}
        className={styles.text ?? ''}
        type="search"
        size="sm"
        aria-label="Search the tasks"
        placeholder="Search commands and titles"
        rightSection={text === '' ? <kbd className={styles.key}>/</kbd> : null}
        value={text}
        onChange={(event) => type(event.target.value)}
        onKeyDown={(event) => {
          if (event.key !== 'Escape') return;
          if (text === '') event.currentTarget.blur();
          else type('');
        }}
      />
      <fieldset className={styles.statuses}>
        <legend className={styles.legend}>Status</legend>
        {([null, ...STATUSES] as const).map((status) => (
          <label key={status} className={styles.status}>
            <input
              type="radio"
              name="status"
              checked={(search.status ?? null) === status}
              onChange={() => onSearch({ status: status ?? undefined })}
            />
            {status === null ? 'All' : STATUS_LABELS[status]}
          </label>
        ))}
      </fieldset>
      <AsOf />
    </search>
  );
}

const STATUSES = Object.keys(STATUS_LABELS) as readonly TaskStatus[];
