import { Button, Select } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useMe } from '../../hooks/useMe';
import { useUserActions, useUsers } from '../../hooks/useUsers';
import { formatExactTime, formatTime } from '../../live/format';
import { hubNow } from '../../live/hubClock';
import type { User } from '../../protocol/messages';
import { Problem } from '../Problem';
import { ConfirmButton } from './ConfirmButton';
import { NewUserDialog } from './NewUserDialog';
import { ResetPassword } from './ResetPassword';
import { Entry, Section } from './Section';
import styles from './settings.module.css';

const ROLES: { value: User['role']; label: string }[] = [
  { value: 'owner', label: 'Owner' },
  { value: 'member', label: 'Member' },
];

/** The accounts of this hub; for owners. */
export function UserSettings() {
  const [opened, { open, close }] = useDisclosure(false);
  const { data, error, refetch } = useUsers();
  return (
    <Section
      title="Users"
      about="Owners see and do everything. Members have their own workspaces and see no others."
      action={
        <Button variant="filled" onClick={open}>
          Add a user
        </Button>
      }
    >
      {error !== null && <Problem error={error} onRetry={() => void refetch()} />}
      <ul>
        {data?.map((user) => (
          <UserEntry key={user.id} user={user} />
        ))}
      </ul>
      <NewUserDialog opened={opened} onClose={close} />
    </Section>
  );
}

function UserEntry({ user }: { user: User }) {
  const me = useMe();
  const { change, remove } = useUserActions();
  const isMe = user.id === me.userId;
  return (
    <>
      <Entry
        name={
          <>
            {user.username}
            {isMe && <span className={styles.tag}>you</span>}
          </>
        }
        details={
          <>
            {user.hasPassword ? 'Signs in with a password' : 'Signs in with links'} ·{' '}
            <time dateTime={user.createdAt} title={formatExactTime(user.createdAt)}>
              added {formatTime(user.createdAt, hubNow())}
            </time>
          </>
        }
      >
        {isMe ? (
          ROLES.find(({ value }) => value === user.role)?.label
        ) : (
          <>
            <Select
              size="xs"
              w={110}
              aria-label={`Role of ${user.username}`}
              allowDeselect={false}
              data={ROLES}
              value={user.role}
              disabled={change.isPending}
              onChange={(role) => role !== null && change.mutate({ id: user.id, change: { role } })}
            />
            <ResetPassword user={user} />
            <ConfirmButton
              label="Remove"
              name={`Remove ${user.username}`}
              question={`Remove ${user.username}?`}
              confirm="Remove the account"
              onConfirm={() => remove.mutateAsync(user.id)}
            >
              They are signed out everywhere and their API tokens stop working. Their workspaces,
              with machines and tasks, become yours.
            </ConfirmButton>
          </>
        )}
      </Entry>
      {change.isError && (
        <li>
          <Problem error={change.error} />
        </li>
      )}
    </>
  );
}
