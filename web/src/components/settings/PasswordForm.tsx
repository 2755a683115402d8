import { Button, PasswordInput } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { useClient } from '../../hooks/useClient';
import { useMe } from '../../hooks/useMe';
import { useUserActions } from '../../hooks/useUsers';
import { ApiError, explain } from '../../live/http';
import { passwordProblem } from '../../live/passwords';
import { Problem } from '../Problem';
import styles from './settings.module.css';

/** One's own password. */
export function PasswordForm() {
  const { session } = useClient();
  const queries = useQueryClient();
  const me = useMe();
  const { change } = useUserActions();
  const [current, setCurrent] = useState('');
  const [password, setPassword] = useState('');
  const wrongCurrent = change.error instanceof ApiError && change.error.code === 'wrong_password';
  const submit = (event: FormEvent) => {
    event.preventDefault();
    change.mutate(
      {
        id: me.userId,
        change: { password, ...(me.hasPassword && { currentPassword: current }) },
      },
      {
        onSuccess: () => {
          setCurrent('');
          setPassword('');
          void queries.invalidateQueries({ queryKey: ['sessions'] });
          void session.refresh().catch(() => {});
        },
      },
    );
  };
  return (
    <form className={styles.fields} onSubmit={submit}>
      {/* So that the browser's store of passwords knows whose it is. */}
      <input hidden name="username" autoComplete="username" value={me.username} readOnly />
      {me.hasPassword && (
        <PasswordInput
          label="Current password"
          autoComplete="current-password"
          required
          withAsterisk={false}
          value={current}
          error={wrongCurrent ? explain(change.error) : null}
          onChange={(event) => setCurrent(event.target.value)}
        />
      )}
      <PasswordInput
        label="New password"
        description="At least 10 characters; several words are easy to remember."
        autoComplete="new-password"
        required
        withAsterisk={false}
        value={password}
        error={passwordProblem(password, me.username)}
        onChange={(event) => setPassword(event.target.value)}
      />
      {change.isError && !wrongCurrent && <Problem error={change.error} />}
      <div className={styles.buttons}>
        <Button
          type="submit"
          variant="filled"
          disabled={change.isPending || passwordProblem(password, me.username) !== null}
        >
          {me.hasPassword ? 'Change password' : 'Set password'}
        </Button>
      </div>
      {change.isSuccess && (
        <p role="status" className={styles.done}>
          The password is set.
        </p>
      )}
    </form>
  );
}
