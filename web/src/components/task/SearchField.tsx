import { ActionIcon, TextInput, Tooltip } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { type KeyboardEvent, useRef, useState } from 'react';
import { useStore } from '../../hooks/useStore';
import { formatSize } from '../../live/format';
import type { SearchState } from '../../live/search';
import type { OutputController } from '../terminal';
import styles from './SearchField.module.css';

const TYPING_MS = 250;

interface Props {
  controller: OutputController;
  field: React.RefObject<HTMLInputElement | null>;
}

/** Looks through the whole output, also what is not in the browser. */
export function SearchField({ controller, field }: Props) {
  const search = useStore(controller.searching);
  const { size } = useStore(controller.view);
  const [text, setText] = useState('');
  const [options, setOptions] = useState({ regex: false, case: false });
  // What was typed last has not been looked for yet.
  const isTyping = useRef(false);
  const start = useDebouncedCallback((query: string, chosen: typeof options) => {
    isTyping.current = false;
    controller.search(query, chosen);
  }, TYPING_MS);

  const change = (changed: string, chosen = options) => {
    setText(changed);
    setOptions(chosen);
    isTyping.current = true;
    start(changed, chosen);
  };
  const onKey = (event: KeyboardEvent) => {
    if (event.key === 'Enter') {
      event.preventDefault();
      if (isTyping.current) start.flush();
      else if (event.shiftKey) controller.previousHit();
      else controller.nextHit();
      // The hits stay, and `n` and `p` go through them.
      field.current?.blur();
    } else if (event.key === 'Escape') {
      event.preventDefault();
      change('');
      field.current?.blur();
    }
  };
  return (
    <search className={styles.search}>
      <TextInput
        ref={field}
        className={styles.field}
        size="xs"
        aria-label="Search the whole output"
        placeholder={`Search ${formatSize(size)}`}
        value={text}
        spellCheck={false}
        autoCapitalize="none"
        autoComplete="off"
        error={search.state === 'failed'}
        rightSection={text === '' ? <kbd>/</kbd> : null}
        onChange={(event) => change(event.currentTarget.value)}
        onKeyDown={onKey}
      />
      {text !== '' && (
        <>
          <Option
            label="Match case"
            pressed={options.case}
            onPress={() => change(text, { ...options, case: !options.case })}
          >
            Aa
          </Option>
          <Option
            label="Regular expression"
            pressed={options.regex}
            onPress={() => change(text, { ...options, regex: !options.regex })}
          >
            .*
          </Option>
          <span className={styles.count} role="status">
            {describe(search)}
          </span>
          <ActionIcon
            aria-label="Previous hit"
            disabled={search.hits.length === 0}
            onClick={() => controller.previousHit()}
          >
            ↑
          </ActionIcon>
          <ActionIcon
            aria-label="Next hit"
            disabled={search.hits.length === 0}
            onClick={() => controller.nextHit()}
          >
            ↓
          </ActionIcon>
        </>
      )}
    </search>
  );
}

interface OptionProps {
  label: string;
  pressed: boolean;
  onPress: () => void;
  children: string;
}

function Option({ label, pressed, onPress, children }: OptionProps) {
  return (
    <Tooltip label={label}>
      <ActionIcon
        aria-label={label}
        aria-pressed={pressed}
        variant={pressed ? 'light' : 'subtle'}
        color={pressed ? 'leaf' : 'gray'}
        onClick={onPress}
      >
        <code>{children}</code>
      </ActionIcon>
    </Tooltip>
  );
}

function describe({ state, hits, current, searched, total, problem }: SearchState): string {
  const place = current === null ? '' : `${(current + 1).toLocaleString('en')} of `;
  const count = hits.length.toLocaleString('en');
  switch (state) {
    case 'idle':
      return '';
    case 'searching':
      return `${place}${count} so far · ${percent(searched, total)}`;
    case 'done':
      return hits.length === 0 ? 'No matches' : `${place}${count}`;
    case 'full':
      return `${place}the first ${count}`;
    case 'failed':
      return problem ?? 'The search did not work.';
  }
}

function percent(searched: number, total: number): string {
  return total === 0 ? '0 %' : `${Math.floor((searched / total) * 100)} %`;
}
