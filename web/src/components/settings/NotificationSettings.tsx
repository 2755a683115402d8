import { Switch } from '@mantine/core';
import { useNotifications } from '../../hooks/useNotifications';
import { Section, Setting } from './Section';
import styles from './settings.module.css';

/** Being told of tasks that end while one does something else. */
export function NotificationSettings() {
  const { isOn, permission, turn } = useNotifications();
  return (
    <Section title="Notifications">
      <Setting
        label="When a task ends"
        about="Tells of tasks that you started here, while this page is in the background."
      >
        <Switch
          aria-label="Notify when a task ends"
          checked={isOn}
          disabled={permission === 'impossible'}
          onChange={(event) => void turn(event.currentTarget.checked)}
        />
      </Setting>
      <p role="status" className={styles.about}>
        {permission === 'impossible' &&
          'Browsers notify only for pages that came over https or from this computer.'}
        {permission === 'blocked' &&
          `This browser does not allow it. Allow notifications for ${location.host} in its settings, then switch this on.`}
      </p>
    </Section>
  );
}
