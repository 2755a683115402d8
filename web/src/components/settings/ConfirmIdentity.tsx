import { Button, Modal, PasswordInput, TextInput } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { useAction } from '../../hooks/useAction';
import { useClient } from '../../hooks/useClient';
import { useStore } from '../../hooks/useStore';
import { linkSecret } from '../../live/confirmation';
import type { Principal } from '../../protocol/messages';
import { Problem } from '../Problem';
import styles from './settings.module.css';

// Above the dialog in which something was asked for that needs this.
const ABOVE_DIALOGS = 300;

/** Asks a person to prove that it is still them, before a credential is made. */
export function ConfirmIdentity({ me }: { me: Principal }) {
  const { confirmation } = useClient();
  const opened = useStore(confirmation.asked);
  return (
    <Modal
      opened={opened}
      onClose={() => confirmation.leave()}
      title="Confirm that it is you"
      zIndex={ABOVE_DIALOGS}
    >
      <ConfirmForm me={me} />
    </Modal>
  );
}

function ConfirmForm({ me }: { me: Principal }) {
  const { confirmation } = useClient();
  const action = useAction();
  const [byLink, setByLink] = useState(!me.hasPassword);
  const [typed, setTyped] = useState('');
  const submit = (event: FormEvent) => {
    event.preventDefault();
    action.run(async () => {
      try {
        await confirmation.confirm(byLink ? { link: linkSecret(typed) } : { password: typed });
      } finally {
        setTyped('');
      }
    });
  };
  return (
    <form className={styles.form} onSubmit={submit}>
      <p className={styles.about}>
        This makes something that lets others in as you, and you signed in here a while ago. What
        you asked for is done right after.
      </p>
      {byLink ? (
        <TextInput
          label="Sign-in link"
          description={<LinkHelp />}
          placeholder={`${location.origin}/#link=…`}
          data-autofocus
          autoComplete="off"
          spellCheck={false}
          required
          withAsterisk={false}
          value={typed}
          onChange={(event) => setTyped(event.target.value)}
        />
      ) : (
        <>
          {/* So that the browser's store of passwords knows whose it is. */}
          <input hidden name="username" autoComplete="username" value={me.username} readOnly />
          <PasswordInput
            label="Password"
            data-autofocus
            autoComplete="current-password"
            required
            withAsterisk={false}
            value={typed}
            onChange={(event) => setTyped(event.target.value)}
          />
        </>
      )}
      {action.problem !== null && <Problem error={action.problem} />}
      <div className={styles.buttons}>
        {me.hasPassword && (
          <Button variant="subtle" onClick={() => setByLink(!byLink)}>
            {byLink ? 'Use the password' : 'Use a sign-in link'}
          </Button>
        )}
        <Button onClick={() => confirmation.leave()}>Leave it</Button>
        <Button type="submit" variant="filled" disabled={action.busy || typed.trim() === ''}>
          Confirm
        </Button>
      </div>
    </form>
  );
}

function LinkHelp() {
  return (
    <>
      <code>arbor link</code> in a terminal that may do everything prints one, and so does{' '}
      <code>arbor up</code> where the hub runs. Paste it here; it works once.
    </>
  );
}
