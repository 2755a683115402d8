import { NativeSelect, TextInput } from '@mantine/core';
import { DEFAULT_TERMINAL, type Draft, whenOffline } from '../../live/commandDraft';
import { MAX_TERMINAL_SIZE } from '../../live/terminalSize';
import type { TerminalSize } from '../../protocol/messages';
import styles from './CommandBar.module.css';
import { EnvironmentRows } from './EnvironmentRows';

interface Props {
  draft: Draft;
  isConnected: boolean;
  onChange: (change: Partial<Draft>) => void;
}

/** How the command is to run. */
export default function CommandOptions({ draft, isConnected, onChange }: Props) {
  return (
    <fieldset className={styles.panel}>
      <legend className={styles.legend}>Options</legend>
      <TextInput
        label="Folder"
        description="Within the workspace; empty is its own"
        placeholder="."
        classNames={{ input: styles.code ?? '' }}
        value={draft.folder}
        onChange={(event) => onChange({ folder: event.target.value })}
      />
      <TextInput
        label="Time limit"
        description="Then it is ended: 90 s, 10 min, 2 h"
        placeholder="none"
        value={draft.timeout}
        onChange={(event) => onChange({ timeout: event.target.value })}
      />
      <TextInput
        label="Title"
        description="To find it by; the command if empty"
        value={draft.title}
        onChange={(event) => onChange({ title: event.target.value })}
      />
      <NativeSelect
        label="If the machine cannot be reached"
        description="When this is sent"
        value={whenOffline(draft, isConnected)}
        onChange={(event) =>
          onChange({ whenOffline: event.target.value === 'queue' ? 'queue' : 'fail' })
        }
        data={[
          { value: 'fail', label: 'Say so and start nothing' },
          { value: 'queue', label: 'Start when it is back' },
        ]}
      />
      {draft.terminal !== null && (
        <TerminalSides terminal={draft.terminal} onChange={(terminal) => onChange({ terminal })} />
      )}
      <EnvironmentRows
        variables={draft.variables}
        onChange={(variables) => onChange({ variables })}
      />
    </fieldset>
  );
}

interface SidesProps {
  terminal: TerminalSize;
  onChange: (terminal: TerminalSize) => void;
}

function TerminalSides({ terminal, onChange }: SidesProps) {
  const side = (name: 'cols' | 'rows', label: string) => (
    <TextInput
      label={label}
      description={name === 'cols' ? 'Of the terminal, at first' : 'Who looks at it resizes it'}
      type="number"
      min={1}
      max={MAX_TERMINAL_SIZE[name]}
      value={terminal[name]}
      onChange={(event) => onChange({ ...terminal, [name]: sideOf(event.target.value, name) })}
    />
  );
  return (
    <>
      {side('cols', 'Columns')}
      {side('rows', 'Rows')}
    </>
  );
}

function sideOf(text: string, name: 'cols' | 'rows'): number {
  const side = Math.trunc(Number(text));
  return side >= 1 ? Math.min(side, MAX_TERMINAL_SIZE[name]) : DEFAULT_TERMINAL[name];
}
