import { Button } from '@mantine/core';
import { useAction } from '../../hooks/useAction';
import { useClient } from '../../hooks/useClient';
import { useMe } from '../../hooks/useMe';
import { Problem } from '../Problem';
import { BrowserSessions } from './BrowserSessions';
import { ConfirmButton } from './ConfirmButton';
import { PasswordForm } from './PasswordForm';
import { Section, Setting } from './Section';
import { SignInElsewhere } from './SignInElsewhere';

const ROLES = {
  owner: 'Owner of this hub: everything can be seen and done.',
  member: 'Member: your own workspaces can be seen and used.',
  daemon: 'A machine.',
};

/** Who one is here, and how one gets in. */
export function AccountSettings() {
  const { session } = useClient();
  const me = useMe();
  const action = useAction();
  return (
    <>
      <Section title="Account">
        <Setting label={me.username} about={ROLES[me.role]}>
          <Button disabled={action.busy} onClick={() => action.run(() => session.signOut())}>
            Sign out
          </Button>
        </Setting>
        {action.problem !== null && <Problem error={action.problem} />}
      </Section>
      <Section
        title={me.hasPassword ? 'Change the password' : 'Set a password'}
        about={
          me.hasPassword
            ? 'Your other browsers are signed out; API tokens go on working.'
            : 'You signed in with a link. With a password you need none the next time.'
        }
      >
        <PasswordForm />
      </Section>
      <SignInElsewhere />
      <Section
        title="Browsers"
        about="Where you are signed in."
        action={
          <ConfirmButton
            label="Sign out everywhere"
            name="Sign out everywhere"
            question="Sign out everywhere?"
            confirm="Sign out everywhere"
            onConfirm={() => session.signOut(true)}
          >
            All your browsers are signed out, this one too, and sign-in links that were not used
            stop working. Tasks go on running, and API tokens go on working.
          </ConfirmButton>
        }
      >
        <BrowserSessions />
      </Section>
    </>
  );
}
