import { Button } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { Logo } from '../components/Logo';
import { useAction } from '../hooks/useAction';
import { useClient } from '../hooks/useClient';
import styles from './SignInPage.module.css';

export function SignInPage({ notice }: { notice: string | null }) {
  const { session } = useClient();
  const [username, setUsername] = useState('');
  const [password, setPassword] = useState('');
  const action = useAction();
  const problem = action.problem ?? notice;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    action.run(() => session.signIn({ username, password }));
  };
  return (
    <main className={styles.page}>
      <form className={styles.form} onSubmit={submit}>
        <h1>
          <Logo /> Arbor
        </h1>
        <p className={styles.hint}>
          Open the sign-in link that <code>arbor up</code> prints; it works once. Or sign in with
          your account:
        </p>
        <label>
          User name
          <input
            name="username"
            autoComplete="username"
            autoCapitalize="none"
            spellCheck={false}
            required
            value={username}
            onChange={(event) => setUsername(event.target.value)}
          />
        </label>
        <label>
          Password
          <input
            name="password"
            type="password"
            autoComplete="current-password"
            required
            value={password}
            onChange={(event) => setPassword(event.target.value)}
          />
        </label>
        <Button type="submit" variant="filled" disabled={action.busy}>
          Sign in
        </Button>
        <p role="alert" className={styles.problem}>
          {problem}
        </p>
      </form>
    </main>
  );
}
