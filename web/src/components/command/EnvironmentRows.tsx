import { ActionIcon, TextInput } from '@mantine/core';
import type { ClipboardEvent } from 'react';
import { parseVariables, type Variable } from '../../live/environmentVariables';
import styles from './CommandBar.module.css';

interface Props {
  variables: readonly Variable[];
  onChange: (variables: readonly Variable[]) => void;
}

const NEW: Variable = { name: '', value: '' };

/** Variables for the command's environment; an empty row at the end takes the next one. */
export function EnvironmentRows({ variables, onChange }: Props) {
  const change = (index: number, changes: Partial<Variable>) => {
    const rows = [...variables, NEW];
    rows[index] = { ...(rows[index] ?? NEW), ...changes };
    onChange(rows.filter(({ name, value }, at) => at < rows.length - 1 || name !== '' || value));
  };
  const paste = (event: ClipboardEvent, index: number) => {
    const text = event.clipboardData.getData('text');
    if (!text.includes('=')) return;
    event.preventDefault();
    onChange([
      ...variables.slice(0, index),
      ...parseVariables(text),
      ...variables.slice(index + 1),
    ]);
  };
  return (
    <fieldset className={styles.environment}>
      <legend>Environment</legend>
      <p>Added to the daemon's. Lines of NAME=value can be pasted.</p>
      {[...variables, NEW].map(({ name, value }, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a row is its position while one types
        <div className={styles.variable} key={index}>
          <TextInput
            aria-label="Name"
            placeholder="NAME"
            classNames={{ input: styles.code ?? '' }}
            value={name}
            onPaste={(event) => paste(event, index)}
            onChange={(event) => change(index, { name: event.target.value })}
          />
          <TextInput
            aria-label={name === '' ? 'Value' : `Value of ${name}`}
            placeholder={value === null ? 'enter it again' : 'value'}
            classNames={{ input: styles.code ?? '' }}
            value={value ?? ''}
            onChange={(event) => change(index, { value: event.target.value })}
          />
          {index < variables.length && (
            <ActionIcon
              size={34}
              aria-label={name === '' ? 'Remove this row' : `Remove ${name}`}
              onClick={() => onChange(variables.filter((_row, at) => at !== index))}
            >
              ×
            </ActionIcon>
          )}
        </div>
      ))}
    </fieldset>
  );
}
