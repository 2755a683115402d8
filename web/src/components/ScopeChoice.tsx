import { Checkbox } from '@mantine/core';
import { SCOPE_WORDS, type Scope } from '../live/scopes';
import styles from './ScopeChoice.module.css';

interface Props {
  legend: string;
  offered: readonly Scope[];
  chosen: readonly Scope[];
  onChange: (chosen: readonly Scope[]) => void;
}

/** What somebody may do, in words. */
export function ScopeChoice({ legend, offered, chosen, onChange }: Props) {
  const toggle = (scope: Scope) =>
    onChange(offered.filter((item) => chosen.includes(item) !== (item === scope)));
  return (
    <fieldset className={styles.scopes}>
      <legend>{legend}</legend>
      {offered.map((scope) => (
        <Checkbox
          key={scope}
          label={SCOPE_WORDS[scope].long}
          checked={chosen.includes(scope)}
          onChange={() => toggle(scope)}
        />
      ))}
      <p role="status" className={styles.problem}>
        {chosen.length === 0 && 'Choose at least one.'}
      </p>
    </fieldset>
  );
}
