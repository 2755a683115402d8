import { useMantineColorScheme } from '@mantine/core';
import {
  createSpotlight,
  Spotlight,
  type SpotlightActionData,
  type SpotlightActionGroupData,
} from '@mantine/spotlight';
import { useNavigate } from '@tanstack/react-router';
import { useEffect } from 'react';
import { useClient } from '../hooks/useClient';
import { useStore } from '../hooks/useStore';
import { useTasks } from '../hooks/useTasks';
import { useWorkspaces } from '../hooks/useWorkspaces';
import { taskName } from '../live/oneLine';
import { isOwn, ownFirst, shownName } from '../live/whose';
import { isOwner, statusLabel } from '../live/words';
import type { Principal, Task } from '../protocol/messages';
import { paletteAsked } from './openPalette';
import styles from './Palette.module.css';

const [store, spotlight] = createSpotlight();

const SHOWN_ACTIONS = 12;
const KNOWN_TASKS = 100;

interface Props {
  me: Principal;
  onHelp: () => void;
}

/** Everything one can go to or do from here, by a few letters of its name. */
export default function Palette(props: Props) {
  const asked = useStore(paletteAsked);
  useEffect(() => {
    if (asked) {
      paletteAsked.set(false);
      spotlight.open();
    }
  }, [asked]);
  const groups = [useHere(), useWorkspaceActions(props), usePages(props), useTaskActions(props)];
  return (
    <Spotlight
      store={store}
      classNames={{ action: styles.action ?? '' }}
      attributes={{ content: { 'aria-label': 'Go to or do anything' } }}
      shortcut={null}
      actions={groups.filter(({ actions }) => actions.length > 0)}
      nothingFound="Nothing has that name."
      highlightQuery
      limit={SHOWN_ACTIONS}
      scrollable
      maxHeight="60vh"
      searchProps={{ placeholder: 'Go to or do…', 'aria-label': 'Go to or do anything' }}
    />
  );
}

function useHere(): SpotlightActionGroupData {
  const shortcuts = useStore(useClient().shortcuts.active);
  return {
    group: 'Here',
    actions: shortcuts
      .filter(({ group }) => group !== 'Everywhere')
      .map(({ key, label, run }) => ({
        id: `here ${key}`,
        label,
        rightSection: key,
        onClick: run,
      })),
  };
}

function usePages({ me, onHelp }: Props): SpotlightActionGroupData {
  const navigate = useNavigate();
  const { session } = useClient();
  const { setColorScheme } = useMantineColorScheme();
  const pages: SpotlightActionData[] = [
    { id: 'overview', label: 'Overview', onClick: () => void navigate({ to: '/' }) },
    { id: 'tasks', label: 'Tasks', onClick: () => void navigate({ to: '/tasks' }) },
    { id: 'connect', label: 'Connect a machine', onClick: () => void navigate({ to: '/connect' }) },
    { id: 'settings', label: 'Settings', onClick: () => void navigate({ to: '/settings' }) },
    { id: 'help', label: 'Show the keys', rightSection: '?', onClick: onHelp },
    { id: 'light', label: 'Light theme', onClick: () => setColorScheme('light') },
    { id: 'dark', label: 'Dark theme', onClick: () => setColorScheme('dark') },
    { id: 'auto', label: 'Same theme as the system', onClick: () => setColorScheme('auto') },
    { id: 'sign-out', label: 'Sign out', onClick: () => void session.signOut() },
  ];
  if (isOwner(me)) {
    pages.splice(2, 0, {
      id: 'health',
      label: 'Health',
      onClick: () => void navigate({ to: '/health' }),
    });
  }
  return { group: 'Arbor', actions: pages };
}

function useWorkspaceActions({ me }: Props): SpotlightActionGroupData {
  const navigate = useNavigate();
  const { workspaces } = useWorkspaces();
  return {
    group: 'Workspaces',
    actions: ownFirst(workspaces, me).flatMap((workspace) => {
      const { id, host, path } = workspace;
      const name = shownName(workspace, me);
      const params = { workspaceId: id };
      return [
        {
          id,
          label: name,
          description: [host, path].filter(Boolean).join(' · '),
          onClick: () => void navigate({ to: '/workspaces/$workspaceId', params }),
        },
        {
          id: `${id} terminal`,
          label: `Terminals of ${name}`,
          onClick: () => void navigate({ to: '/workspaces/$workspaceId/terminals', params }),
        },
      ];
    }),
  };
}

function useTaskActions({ me }: Props): SpotlightActionGroupData {
  const navigate = useNavigate();
  const { tasks } = useTasks();
  const { workspaces } = useWorkspaces();
  const others = new Map(
    workspaces
      .filter((workspace) => !isOwn(workspace, me))
      .map((workspace) => [workspace.id, shownName(workspace, me)]),
  );
  const isMine = ({ workspaceId }: Task) => !others.has(workspaceId);
  const known = tasks.slice(0, KNOWN_TASKS);
  // Their titles are chosen by others.
  const mineFirst = [...known.filter(isMine), ...known.filter((task) => !isMine(task))];
  return {
    group: 'Tasks',
    actions: mineFirst.map((task) => ({
      id: task.id,
      label: taskName(task),
      description: [statusLabel(task), others.get(task.workspaceId)].filter(Boolean).join(' · '),
      onClick: () => void navigate({ to: '/tasks/$taskId', params: { taskId: task.id } }),
    })),
  };
}
