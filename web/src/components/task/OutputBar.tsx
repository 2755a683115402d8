import { Button, Menu, Switch } from '@mantine/core';
import { useStore } from '../../hooks/useStore';
import { formatSize } from '../../live/format';
import type { OutputController } from '../terminal';
import { GoToByte } from './GoToByte';
import styles from './OutputBar.module.css';
import { SearchField } from './SearchField';

const STREAMS = { both: 'stdout + stderr', stdout: 'stdout only', stderr: 'stderr only' } as const;
type Streams = keyof typeof STREAMS;

interface Props {
  controller: OutputController;
  isTerminal: boolean;
  /** The search field, for the key that goes there. */
  searchField: React.RefObject<HTMLInputElement | null>;
}

/** Under the output: follow, search, how it is shown, and where one is. */
export function OutputBar({ controller, isTerminal, searchField }: Props) {
  const view = useStore(controller.view);
  return (
    <div className={styles.bar}>
      <Switch
        size="sm"
        label="Follow"
        checked={view.following}
        onChange={(event) => controller.follow(event.currentTarget.checked)}
      />
      <SearchField controller={controller} field={searchField} />
      {!isTerminal && (
        <div className={styles.views}>
          <Toggle pressed={view.times} onPress={() => controller.toggleTimes()}>
            Times
          </Toggle>
          <StreamsMenu streams={view.streams} onChoose={(name) => controller.setStreams(name)} />
          <Toggle pressed={view.wrap} onPress={() => controller.toggleWrap()}>
            Wrap
          </Toggle>
        </div>
      )}
      <p className={styles.state} role="status">
        {view.problem}
        {!view.following && view.moreBelow > 0 && (
          <Button size="compact-xs" onClick={() => controller.toEnd()}>
            {formatSize(view.moreBelow)} more below
          </Button>
        )}
      </p>
      <GoToByte view={view} onGo={(offset) => controller.toOffset(offset)} />
    </div>
  );
}

interface ToggleProps {
  pressed: boolean;
  onPress: () => void;
  children: React.ReactNode;
}

function Toggle({ pressed, onPress, children }: ToggleProps) {
  return (
    <button type="button" className={styles.toggle} aria-pressed={pressed} onClick={onPress}>
      {children}
    </button>
  );
}

function StreamsMenu(props: { streams: Streams; onChoose: (streams: Streams) => void }) {
  return (
    <Menu position="top-start">
      <Menu.Target>
        <button
          type="button"
          className={styles.toggle}
          data-changed={props.streams !== 'both' || undefined}
        >
          {STREAMS[props.streams]}
        </button>
      </Menu.Target>
      <Menu.Dropdown>
        {(Object.keys(STREAMS) as Streams[]).map((name) => (
          <Menu.Item
            key={name}
            aria-current={name === props.streams}
            onClick={() => props.onChoose(name)}
          >
            {STREAMS[name]}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}
