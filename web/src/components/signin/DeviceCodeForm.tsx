import { Button, TextInput } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { formatDeviceCode, isDeviceCode } from '../../live/deviceCode';
import styles from './device.module.css';

const SHOWN_CHARS = 9;

interface Props {
  /** What was tried before. */
  initial: string;
  onCode: (code: string) => void;
}

/** The code that a terminal shows. */
export function DeviceCodeForm({ initial, onCode }: Props) {
  const [code, setCode] = useState(formatDeviceCode(initial));
  const submit = (event: FormEvent) => {
    event.preventDefault();
    onCode(code);
  };
  return (
    <form className={styles.step} onSubmit={submit}>
      <TextInput
        classNames={{ input: styles.code ?? '' }}
        label="Code"
        description="As arbor login shows it in the terminal."
        placeholder="ABCD-EFGH"
        autoFocus
        autoComplete="one-time-code"
        autoCapitalize="characters"
        spellCheck={false}
        value={code}
        onChange={(event) => setCode(formatDeviceCode(event.target.value))}
        size="lg"
        maxLength={SHOWN_CHARS}
      />
      <div className={styles.buttons}>
        <Button type="submit" variant="filled" disabled={!isDeviceCode(code)}>
          Continue
        </Button>
      </div>
    </form>
  );
}
