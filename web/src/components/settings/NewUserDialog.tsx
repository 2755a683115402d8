import { Button, Input, Modal, PasswordInput, SegmentedControl, TextInput } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { useUserActions } from '../../hooks/useUsers';
import { passwordProblem } from '../../live/passwords';
import type { CreatedUser, NewUser, User } from '../../protocol/messages';
import { Problem } from '../Problem';
import { SignInLinkCard } from './SignInLinkCard';
import styles from './settings.module.css';

const MAX_NAME_CHARS = 100;

interface DialogProps {
  opened: boolean;
  onClose: () => void;
}

/** Makes an account, and gives the link that lets its owner in. */
export function NewUserDialog({ opened, onClose }: DialogProps) {
  const { add } = useUserActions();
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      title={add.data === undefined ? 'Add a user' : `${add.data.username} is added`}
      closeOnClickOutside={!add.data?.link}
      onExitTransitionEnd={add.reset}
    >
      {add.data === undefined ? (
        <NewUserForm
          busy={add.isPending}
          error={add.error}
          onAdd={(user) => add.mutate(user)}
          onCancel={onClose}
        />
      ) : (
        <Added user={add.data} onClose={onClose} />
      )}
    </Modal>
  );
}

function Added({ user: { username, link }, onClose }: { user: CreatedUser; onClose: () => void }) {
  return (
    <div className={styles.form}>
      {link === null ? (
        <p>They sign in here with the name {username} and the password that you set.</p>
      ) : (
        <>
          <p>
            Send them this link; it is not shown again. It signs them in, and then they can set a
            password of their own.
          </p>
          <SignInLinkCard link={link} />
        </>
      )}
      <div className={styles.buttons}>
        <Button onClick={onClose}>Done</Button>
      </div>
    </div>
  );
}

interface FormProps {
  busy: boolean;
  error: Error | null;
  onAdd: (user: NewUser) => void;
  onCancel: () => void;
}

function NewUserForm({ busy, error, onAdd, onCancel }: FormProps) {
  const [username, setUsername] = useState('');
  const [role, setRole] = useState<User['role']>('member');
  const [wayIn, setWayIn] = useState<'link' | 'password'>('link');
  const [password, setPassword] = useState('');
  const problem = wayIn === 'password' ? passwordProblem(password, username) : null;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    onAdd({ username: username.trim(), role, password: wayIn === 'password' ? password : null });
  };
  return (
    <form className={styles.form} onSubmit={submit}>
      <TextInput
        label="User name"
        data-autofocus
        required
        withAsterisk={false}
        autoCapitalize="none"
        autoComplete="off"
        spellCheck={false}
        maxLength={MAX_NAME_CHARS}
        value={username}
        onChange={(event) => setUsername(event.target.value)}
      />
      <Input.Wrapper label="Role" labelElement="div">
        <SegmentedControl
          fullWidth
          aria-label="Role"
          value={role}
          onChange={setRole}
          data={[
            { value: 'member', label: 'Member' },
            { value: 'owner', label: 'Owner' },
          ]}
        />
      </Input.Wrapper>
      <Input.Wrapper label="First sign-in" labelElement="div">
        <SegmentedControl
          fullWidth
          aria-label="How they sign in first"
          value={wayIn}
          onChange={setWayIn}
          data={[
            { value: 'link', label: 'With a link' },
            { value: 'password', label: 'With a password' },
          ]}
        />
      </Input.Wrapper>
      {wayIn === 'password' && (
        <PasswordInput
          label="Password"
          autoComplete="new-password"
          required
          withAsterisk={false}
          value={password}
          error={problem}
          onChange={(event) => setPassword(event.target.value)}
        />
      )}
      {error !== null && <Problem error={error} />}
      <div className={styles.buttons}>
        <Button onClick={onCancel}>Cancel</Button>
        <Button
          type="submit"
          variant="filled"
          disabled={busy || username.trim() === '' || problem !== null}
        >
          Add the user
        </Button>
      </div>
    </form>
  );
}
