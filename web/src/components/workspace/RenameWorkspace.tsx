import { Button, Modal, TextInput } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { useAction } from '../../hooks/useAction';
import { useClient } from '../../hooks/useClient';
import type { Workspace } from '../../protocol/messages';
import styles from './WorkspaceDetail.module.css';

interface Props {
  workspace: Workspace;
  opened: boolean;
  onClose: () => void;
}

export function RenameWorkspace({ workspace, opened, onClose }: Props) {
  return (
    <Modal opened={opened} onClose={onClose} title={`Rename ${workspace.name}`}>
      <RenameForm workspace={workspace} onClose={onClose} />
    </Modal>
  );
}

function RenameForm({ workspace, onClose }: Omit<Props, 'opened'>) {
  const { directory } = useClient();
  const action = useAction();
  const [name, setName] = useState(workspace.name);
  const isNew = name.trim() !== '' && name.trim() !== workspace.name;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!isNew) return;
    action.run(async () => {
      await directory.renameWorkspace(workspace.id, name.trim());
      onClose();
    });
  };
  return (
    <form className={styles.form} onSubmit={submit}>
      <TextInput
        label="Name"
        description="Commands that name it with -w need the new one; addresses stay."
        error={action.problem}
        data-autofocus
        value={name}
        onChange={(event) => setName(event.target.value)}
      />
      <div className={styles.choices}>
        <Button onClick={onClose}>Leave it</Button>
        <Button type="submit" variant="filled" disabled={!isNew || action.busy}>
          Rename
        </Button>
      </div>
    </form>
  );
}
