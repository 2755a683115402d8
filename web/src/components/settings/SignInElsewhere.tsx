import { Button } from '@mantine/core';
import { useSessions } from '../../hooks/useSessions';
import { Problem } from '../Problem';
import { Section, Setting } from './Section';
import { SignInLinkCard } from './SignInLinkCard';

/** A link for one's phone, or another browser. */
export function SignInElsewhere() {
  const { createLink } = useSessions();
  return (
    <Section title="Sign in on another device">
      <Setting
        label="Sign-in link"
        about="Signs in as you, once, within ten minutes. Give it to nobody."
      >
        <Button disabled={createLink.isPending} onClick={() => createLink.mutate()}>
          {createLink.data === undefined ? 'Make a link' : 'Make a new link'}
        </Button>
      </Setting>
      {createLink.isError && <Problem error={createLink.error} />}
      {createLink.data !== undefined && <SignInLinkCard link={createLink.data} />}
    </Section>
  );
}
