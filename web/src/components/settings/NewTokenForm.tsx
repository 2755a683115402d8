import { Button, Select, TextInput } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { useMe } from '../../hooks/useMe';
import { useWorkspaces } from '../../hooks/useWorkspaces';
import { SCOPES, type Scope } from '../../live/scopes';
import { ownFirst, shownName } from '../../live/whose';
import type { NewToken } from '../../protocol/messages';
import { Problem } from '../Problem';
import { ScopeChoice } from '../ScopeChoice';
import styles from './settings.module.css';

const DAY_SECONDS = 86_400;
const LIFETIMES = [
  { value: '7', label: 'A week' },
  { value: '30', label: '30 days' },
  { value: '90', label: '90 days' },
  { value: '365', label: 'A year' },
  { value: 'none', label: 'Until it is revoked' },
];
const DEFAULT_SCOPES: readonly Scope[] = ['tasks:read', 'tasks:write'];
const DEFAULT_LIFETIME = '90';
const ALL = 'all';
const MAX_NAME_CHARS = 100;

interface Props {
  busy: boolean;
  error: Error | null;
  onCreate: (token: NewToken) => void;
  onCancel: () => void;
}

/** What a token is called, may do, and for how long. */
export function NewTokenForm({ busy, error, onCreate, onCancel }: Props) {
  const me = useMe();
  const { workspaces } = useWorkspaces();
  const [name, setName] = useState('');
  const [scopes, setScopes] = useState(DEFAULT_SCOPES);
  const [workspaceId, setWorkspaceId] = useState(ALL);
  const [lifetime, setLifetime] = useState(DEFAULT_LIFETIME);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    onCreate({
      name: name.trim(),
      scopes: [...scopes],
      workspaceId: workspaceId === ALL ? null : workspaceId,
      expiresIn: lifetime === 'none' ? null : Number(lifetime) * DAY_SECONDS,
    });
  };
  return (
    <form className={styles.form} onSubmit={submit}>
      <TextInput
        label="Name"
        description="What will use it."
        placeholder="nightly build"
        data-autofocus
        required
        withAsterisk={false}
        maxLength={MAX_NAME_CHARS}
        value={name}
        onChange={(event) => setName(event.target.value)}
      />
      <ScopeChoice legend="It may" offered={SCOPES} chosen={scopes} onChange={setScopes} />
      <Select
        label="Where"
        allowDeselect={false}
        value={workspaceId}
        onChange={(value) => setWorkspaceId(value ?? ALL)}
        data={[
          { value: ALL, label: 'All workspaces' },
          ...ownFirst(workspaces, me).map((workspace) => ({
            value: workspace.id,
            label: shownName(workspace, me),
          })),
        ]}
      />
      <Select
        label="For how long"
        allowDeselect={false}
        value={lifetime}
        onChange={(value) => setLifetime(value ?? DEFAULT_LIFETIME)}
        data={LIFETIMES}
      />
      {error !== null && <Problem error={error} />}
      <div className={styles.buttons}>
        <Button onClick={onCancel}>Cancel</Button>
        <Button
          type="submit"
          variant="filled"
          disabled={busy || name.trim() === '' || scopes.length === 0}
        >
          Make the token
        </Button>
      </div>
    </form>
  );
}
