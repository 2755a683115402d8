import { Button } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useMe } from '../../hooks/useMe';
import { useTokens } from '../../hooks/useTokens';
import { useWorkspaces } from '../../hooks/useWorkspaces';
import { formatExactTime, formatTime } from '../../live/format';
import { hubNow } from '../../live/hubClock';
import { scopesInShort } from '../../live/scopes';
import { shownName } from '../../live/whose';
import type { Token } from '../../protocol/messages';
import { Empty } from '../Empty';
import { Problem } from '../Problem';
import { Since } from '../Since';
import { ConfirmButton } from './ConfirmButton';
import { NewTokenDialog } from './NewTokenDialog';
import { Entry, Section } from './Section';
import styles from './settings.module.css';

/** Credentials for programs and command lines. */
export function TokenSettings() {
  const [opened, { open, close }] = useDisclosure(false);
  const {
    tokens: { data, error, refetch },
    revoke,
  } = useTokens();
  return (
    <Section
      title="API tokens"
      about="For programs and command lines that act as you. Terminals that you signed in are here as well."
      action={
        <Button variant="filled" onClick={open}>
          New token
        </Button>
      }
    >
      {error !== null && <Problem error={error} onRetry={() => void refetch()} />}
      {data?.length === 0 && (
        <Empty>
          <p>
            There are none. <code>arbor login {location.origin}</code> signs a terminal in without
            copying one.
          </p>
        </Empty>
      )}
      <ul>
        {data?.map((token) => (
          <TokenEntry
            key={token.id}
            token={token}
            maker={data.find(({ id }) => id === token.madeBy)}
            onRevoke={() => revoke.mutateAsync(token.id)}
          />
        ))}
      </ul>
      <NewTokenDialog opened={opened} onClose={close} />
    </Section>
  );
}

interface TokenProps {
  token: Token;
  /** The token that it was made with, and ends with. */
  maker: Token | undefined;
  onRevoke: () => Promise<unknown>;
}

function TokenEntry({ token, maker, onRevoke }: TokenProps) {
  const { name, prefix, scopes, workspaceId, lastUsedAt } = token;
  const me = useMe();
  const { workspaces } = useWorkspaces();
  const workspace = workspaces.find(({ id }) => id === workspaceId);
  const called = workspace === undefined ? workspaceId : shownName(workspace, me);
  const where = workspaceId === null ? '' : ` in ${called}`;
  return (
    <Entry
      name={
        <>
          {name} <code className={styles.about}>{prefix}…</code>
        </>
      }
      details={
        <>
          May {scopesInShort(scopes)}
          {where} · {lastUsedAt === null ? 'never used' : <Used time={lastUsedAt} />} ·{' '}
          <Expiry token={token} />
          {maker !== undefined && ` · ends with ${maker.name}, which made it`}
        </>
      }
    >
      <ConfirmButton
        label="Revoke"
        name={`Revoke ${name}`}
        question={`Revoke ${name}?`}
        confirm="Revoke it"
        onConfirm={onRevoke}
      >
        What uses this token is refused from now on, and so is what was made with it: tokens, and
        browsers that its links signed in. Their live connections are closed. Tasks that it started
        go on running.
      </ConfirmButton>
    </Entry>
  );
}

function Used({ time }: { time: string }) {
  return (
    <>
      last used <Since time={time} ago />
    </>
  );
}

function Expiry({ token: { expiresAt } }: { token: Token }) {
  if (expiresAt === null) return 'does not expire';
  const over = Date.parse(expiresAt) <= hubNow();
  return (
    <time dateTime={expiresAt} title={formatExactTime(expiresAt)}>
      {over ? 'expired' : 'expires'} {formatTime(expiresAt, hubNow())}
    </time>
  );
}
