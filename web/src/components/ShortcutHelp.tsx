import { Kbd, Modal } from '@mantine/core';
import { useClient } from '../hooks/useClient';
import { useStore } from '../hooks/useStore';
import type { Shortcut } from '../live/shortcuts';
import styles from './ShortcutHelp.module.css';

interface Props {
  opened: boolean;
  onClose: () => void;
}

/** The keys that work here, now. */
export default function ShortcutHelp({ opened, onClose }: Props) {
  const shortcuts = useStore(useClient().shortcuts.active);
  const groups = Map.groupBy(shortcuts, ({ group }) => group);
  return (
    <Modal opened={opened} onClose={onClose} title="Keys" size="lg">
      <div className={styles.groups}>
        {[...groups].reverse().map(([group, members]) => (
          <section key={group} aria-label={group}>
            <h3>{group}</h3>
            <dl>
              {members.map((shortcut) => (
                <div key={shortcut.key}>
                  <dt>
                    <Keys shortcut={shortcut} />
                  </dt>
                  <dd>{shortcut.label}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
    </Modal>
  );
}

function Keys({ shortcut }: { shortcut: Shortcut }) {
  const [key = '', ...modifiers] = shortcut.key.split('+').reverse();
  return (
    <>
      {modifiers.map(() => (
        <Kbd key="mod">Ctrl</Kbd>
      ))}{' '}
      <Kbd>{key.length === 1 && modifiers.length > 0 ? key.toUpperCase() : key}</Kbd>
    </>
  );
}
