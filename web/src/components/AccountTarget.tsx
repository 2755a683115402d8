import { ActionIcon, type ActionIconProps, type ElementProps } from '@mantine/core';
import styles from './Rail.module.css';

interface Props extends ActionIconProps, ElementProps<'button', keyof ActionIconProps> {
  username: string;
}

/** The initial of the one who is signed in. */
export function AccountTarget({ username, ...others }: Props) {
  return (
    <ActionIcon
      radius="xl"
      variant="default"
      aria-label={`Account of ${username}`}
      title={`Signed in as ${username}`}
      {...others}
    >
      <span className={styles.initial}>{username.charAt(0)}</span>
    </ActionIcon>
  );
}
