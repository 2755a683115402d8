import { Button, PasswordInput, TextInput } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { useClient } from '../../hooks/useClient';
import { useCountdown } from '../../hooks/useCountdown';
import { ApiError, explain } from '../../live/http';
import styles from './SignInForm.module.css';

const SECOND_MS = 1_000;

interface Refusal {
  readonly text: string;
  /** Before this moment (milliseconds as `Date.now()`) the hub does not listen; null: it does. */
  readonly until: number | null;
}

/** Name and password. What the hub refuses is said in its own words. */
export function SignInForm() {
  const { session } = useClient();
  const [username, setUsername] = useState('');
  const [password, setPassword] = useState('');
  const [busy, setBusy] = useState(false);
  const [refusal, setRefusal] = useState<Refusal | null>(null);
  const wait = useCountdown(refusal?.until ?? null);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setRefusal(null);
    session
      .signIn({ username, password })
      .catch((error) => setRefusal(refused(error)))
      .finally(() => setBusy(false));
  };
  return (
    <form className={styles.form} onSubmit={submit}>
      <TextInput
        label="User name"
        name="username"
        autoComplete="username"
        autoCapitalize="none"
        spellCheck={false}
        required
        withAsterisk={false}
        value={username}
        onChange={(event) => setUsername(event.target.value)}
      />
      <PasswordInput
        label="Password"
        name="password"
        autoComplete="current-password"
        required
        withAsterisk={false}
        value={password}
        onChange={(event) => setPassword(event.target.value)}
      />
      <Button type="submit" variant="filled" fullWidth disabled={busy || wait > 0}>
        {wait > 0 ? `Try again in ${wait} s` : 'Sign in'}
      </Button>
      <p role="alert" className={styles.problem}>
        {refusal?.text}
      </p>
    </form>
  );
}

function refused(error: unknown): Refusal {
  if (error instanceof ApiError && error.status === 429 && error.retryAfter !== null) {
    return {
      text: 'Too many attempts from your address. Nothing is wrong with the account.',
      until: Date.now() + error.retryAfter * SECOND_MS,
    };
  }
  return { text: explain(error), until: null };
}
