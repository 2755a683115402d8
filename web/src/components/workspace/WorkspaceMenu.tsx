import { ActionIcon, Menu } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useNavigate } from '@tanstack/react-router';
import type { Workspace } from '../../protocol/messages';
import { RemoveWorkspace } from './RemoveWorkspace';
import { RenameWorkspace } from './RenameWorkspace';

/** What is done with a workspace as a whole, by who may. */
export function WorkspaceMenu({ workspace }: { workspace: Workspace }) {
  const navigate = useNavigate();
  const [renaming, rename] = useDisclosure(false);
  const [removing, remove] = useDisclosure(false);
  const connect = () => void navigate({ to: '/connect', search: { workspace: workspace.id } });
  return (
    <>
      <Menu width={220}>
        <Menu.Target>
          <ActionIcon size={34} variant="default" aria-label={`Manage ${workspace.name}`}>
            <span aria-hidden="true">⋯</span>
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item onClick={rename.open}>Rename…</Menu.Item>
          {workspace.state !== 'connected' && <Menu.Item onClick={connect}>Connect…</Menu.Item>}
          <Menu.Divider />
          <Menu.Item color="var(--red)" onClick={remove.open}>
            Remove…
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      <RenameWorkspace workspace={workspace} opened={renaming} onClose={rename.close} />
      <RemoveWorkspace workspace={workspace} opened={removing} onClose={remove.close} />
    </>
  );
}
