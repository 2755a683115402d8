import { Menu, useMantineColorScheme } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { useClient } from '../hooks/useClient';
import type { Principal } from '../protocol/messages';
import { AccountTarget } from './AccountTarget';

const THEMES = { auto: 'Same as system', light: 'Light', dark: 'Dark' } as const;
type Theme = keyof typeof THEMES;

interface Props {
  me: Principal;
  defaultOpened: boolean;
}

/** What belongs to the one who is signed in, under their initial. */
export default function AccountMenu({ me, defaultOpened }: Props) {
  const { session } = useClient();
  const navigate = useNavigate();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const [opened, setOpened] = useState(defaultOpened);
  return (
    <Menu opened={opened} onChange={setOpened}>
      <Menu.Target>
        <AccountTarget username={me.username} />
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>{me.username}</Menu.Label>
        <Menu.Item onClick={() => void navigate({ to: '/settings' })}>Settings</Menu.Item>
        <Menu.Divider />
        <Menu.Label>Theme</Menu.Label>
        {(Object.keys(THEMES) as Theme[]).map((name) => (
          <Menu.Item
            key={name}
            aria-current={colorScheme === name}
            rightSection={colorScheme === name ? '✓' : null}
            onClick={() => setColorScheme(name)}
          >
            {THEMES[name]}
          </Menu.Item>
        ))}
        <Menu.Divider />
        <Menu.Item onClick={() => void session.signOut()}>Sign out</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
