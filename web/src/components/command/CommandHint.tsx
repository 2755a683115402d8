import { Button } from '@mantine/core';
import { useMe } from '../../hooks/useMe';
import { shellWord, splitCommandLine } from '../../live/argv';
import { type Draft, setOptions } from '../../live/commandDraft';
import { shownName } from '../../live/whose';
import type { Workspace } from '../../protocol/messages';
import { ArgumentList } from './ArgumentList';
import styles from './CommandBar.module.css';

interface Props {
  draft: Draft;
  problem: string | null;
  workspace: Workspace | null;
  /** The name of the machine that was meant and is gone. */
  missing: string | null;
  onChange: (change: Partial<Draft>) => void;
  onSearch: () => void;
}

/** What will run, and how; what is in the way of it. */
export function CommandHint(props: Props) {
  const { draft, problem, workspace, missing, onChange, onSearch } = props;
  const options = setOptions(draft);
  return (
    <div className={styles.hint}>
      {problem !== null ? (
        <span className={styles.problem} role="status">
          {problem}
        </span>
      ) : (
        <Reading draft={draft} onChange={onChange} onSearch={onSearch} />
      )}
      {options.length > 0 && (
        <ul className={styles.options} aria-label="Options">
          {options.map(({ name, words, cleared }) => (
            <li key={name}>
              <Button
                size="compact-xs"
                rightSection="×"
                aria-label={`${words}: unset`}
                onClick={() => onChange(cleared)}
              >
                {words}
              </Button>
            </li>
          ))}
        </ul>
      )}
      {missing !== null && (
        <span className={styles.problem} role="status">
          {missing}, the machine used last, is not on this hub any more. Pick another one.
        </span>
      )}
      {workspace !== null && workspace.state !== 'connected' && (
        <Unconnected draft={draft} workspace={workspace} />
      )}
    </div>
  );
}

function Reading({ draft, onChange, onSearch }: Pick<Props, 'draft' | 'onChange' | 'onSearch'>) {
  if (draft.shell) {
    return (
      <span>
        <code>/bin/sh -c</code> runs this. Shift Enter begins another line.
      </span>
    );
  }
  const split = splitCommandLine(draft.line);
  if (!split.ok || split.argv.length === 0) {
    return (
      <span>
        Runs as a list of arguments, without a shell. Earlier commands: ↑ or{' '}
        <button type="button" className={styles.search} onClick={onSearch}>
          search them
        </button>
      </span>
    );
  }
  const word = shellWord(split.argv);
  return (
    <>
      <ArgumentList argv={split.argv} />
      {word !== null && (
        <span className={styles.shellHint}>
          <code>{word}</code> reaches the command as plain text.{' '}
          <button type="button" className={styles.search} onClick={() => onChange({ shell: true })}>
            Use a shell
          </button>
        </span>
      )}
    </>
  );
}

function Unconnected({ draft, workspace }: { draft: Draft; workspace: Workspace }) {
  const name = shownName(workspace, useMe());
  return (
    <span className={styles.problem}>
      {draft.whenOffline === 'fail'
        ? `${name} is not connected, so this will be refused.`
        : `${name} is not connected; this starts when it is.`}
    </span>
  );
}
