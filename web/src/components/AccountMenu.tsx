import { Menu, useMantineColorScheme } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { useClient } from '../hooks/useClient';
import type { Principal } from '../protocol/messages';

const THEMES = { auto: 'As the system', light: 'Light', dark: 'Dark' } as const;
type Theme = keyof typeof THEMES;

/** What belongs to the one who is signed in; the contents of a menu. */
export function AccountMenu({ me }: { me: Principal }) {
  const { session } = useClient();
  const navigate = useNavigate();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  return (
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
  );
}
