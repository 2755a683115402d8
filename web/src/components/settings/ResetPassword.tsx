import { Button, Modal, PasswordInput } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { type FormEvent, useState } from 'react';
import { useUserActions } from '../../hooks/useUsers';
import { passwordProblem } from '../../live/passwords';
import type { User } from '../../protocol/messages';
import { Problem } from '../Problem';
import styles from './settings.module.css';

/** Sets somebody else's password. */
export function ResetPassword({ user: { id, username } }: { user: User }) {
  const [opened, { open, close }] = useDisclosure(false);
  const [password, setPassword] = useState('');
  const { change } = useUserActions();
  const problem = passwordProblem(password, username);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    change.mutate({ id, change: { password } }, { onSuccess: close });
  };
  const forget = () => {
    setPassword('');
    change.reset();
  };
  return (
    <>
      <Button size="xs" aria-label={`Set the password of ${username}`} onClick={open}>
        Set password
      </Button>
      <Modal
        opened={opened}
        onClose={close}
        onExitTransitionEnd={forget}
        title={`Set the password of ${username}`}
      >
        <form className={styles.form} onSubmit={submit}>
          <input hidden name="username" autoComplete="username" value={username} readOnly />
          <PasswordInput
            label="New password"
            description="They are signed out everywhere."
            data-autofocus
            autoComplete="new-password"
            required
            withAsterisk={false}
            value={password}
            error={problem}
            onChange={(event) => setPassword(event.target.value)}
          />
          {change.isError && <Problem error={change.error} />}
          <div className={styles.buttons}>
            <Button onClick={close}>Cancel</Button>
            <Button
              type="submit"
              variant="filled"
              disabled={change.isPending || password === '' || problem !== null}
            >
              Set it
            </Button>
          </div>
        </form>
      </Modal>
    </>
  );
}
