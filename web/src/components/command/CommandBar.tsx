import { Button } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { type FormEvent, Suspense, useId, useRef, useState } from 'react';
import { useAction } from '../../hooks/useAction';
import { useClient } from '../../hooks/useClient';
import { useCommandDraft } from '../../hooks/useCommandDraft';
import { useCommandHistory } from '../../hooks/useCommandHistory';
import { useMe } from '../../hooks/useMe';
import { useShortcuts } from '../../hooks/useShortcuts';
import {
  DEFAULT_TERMINAL,
  type Draft,
  EMPTY_DRAFT,
  prepare,
  whenOffline,
} from '../../live/commandDraft';
import { shownName } from '../../live/whose';
import type { Workspace } from '../../protocol/messages';
import { LaterCommandOptions, LaterHistorySearch } from '../Later';
import { Problem } from '../Problem';
import styles from './CommandBar.module.css';
import { CommandHint } from './CommandHint';
import { CommandLine } from './CommandLine';
import { WorkspacePicker } from './WorkspacePicker';

interface Props {
  /** Null: the one that was meant is gone, and another has to be picked. */
  workspace: Workspace | null;
  /** The name of the one that is gone. */
  missing?: string | null;
  /** To choose from; left out: it is this one. */
  picker?: { workspaces: readonly Workspace[]; onPick: (workspace: Workspace) => void };
  /** What to begin with. */
  initial?: Draft | null;
}

/** What people come for: run something. */
export function CommandBar({ workspace, missing = null, picker, initial = null }: Props) {
  const me = useMe();
  const { directory, commands, lastMachine } = useClient();
  const navigate = useNavigate();
  const action = useAction();
  const field = useRef<HTMLTextAreaElement>(null);
  const panel = useId();
  const [wanted, setWanted] = useState(false);
  const [isSearching, setSearching] = useState(false);
  const [hasOptions, setOptions] = useState(() => needsAttention(initial));
  const past = useCommandHistory(workspace?.id, wanted);
  const { draft, change, recall } = useCommandDraft(initial, past);
  const isConnected = workspace?.state === 'connected';
  const prepared = prepare(draft, isConnected);
  const focus = () => field.current?.focus();
  const search = () => {
    setWanted(true);
    setSearching(true);
  };
  useShortcuts([{ key: 'i', label: 'Type a command', group: 'Run', run: focus }]);

  const run = () => {
    if (!prepared.ok || action.busy || workspace === null) return;
    action.run(async () => {
      const { id } = await directory.run(workspace.id, prepared.task);
      lastMachine.remember({ id: workspace.id, name: shownName(workspace, me) });
      commands.remember(workspace.id, { line: draft.line, shell: draft.shell, at: Date.now() });
      change(EMPTY_DRAFT);
      await navigate({ to: '/tasks/$taskId', params: { taskId: id } });
    });
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    run();
  };

  return (
    <form className={styles.form} onSubmit={submit}>
      <div className={styles.box}>
        <div className={styles.bar}>
          {picker && <WorkspacePicker chosen={workspace} {...picker} />}
          <CommandLine
            ref={field}
            line={draft.line}
            onChange={(line) => change({ line })}
            onRun={run}
            onRecall={recall}
            onSearch={search}
            onFocus={() => setWanted(true)}
          />
          <div className={styles.controls}>
            <Button
              size="compact-sm"
              aria-pressed={draft.shell}
              title="Run the line with /bin/sh -c"
              onClick={() => change({ shell: !draft.shell })}
            >
              Shell {draft.shell ? 'on' : 'off'}
            </Button>
            <Button
              size="compact-sm"
              aria-pressed={draft.terminal !== null}
              title="Give the command a terminal: for programs that are used in one"
              onClick={() =>
                change({ terminal: draft.terminal === null ? DEFAULT_TERMINAL : null })
              }
            >
              Terminal {draft.terminal === null ? 'off' : 'on'}
            </Button>
            <Button
              size="compact-sm"
              aria-expanded={hasOptions}
              aria-controls={panel}
              rightSection={hasOptions ? '▴' : '▾'}
              onClick={() => setOptions(!hasOptions)}
            >
              Options
            </Button>
            <Button
              type="submit"
              variant="filled"
              disabled={!prepared.ok || action.busy || workspace === null}
            >
              {workspace !== null && !isConnected && whenOffline(draft, false) === 'queue'
                ? 'Queue'
                : 'Run'}
              <span className={styles.enter} aria-hidden="true">
                ↵
              </span>
            </Button>
          </div>
        </div>
        <div id={panel}>
          {hasOptions && (
            <Suspense fallback={<div className={styles.panel} />}>
              <LaterCommandOptions draft={draft} isConnected={isConnected} onChange={change} />
            </Suspense>
          )}
        </div>
        {isSearching && (
          <Suspense>
            <LaterHistorySearch
              commands={past}
              onChoose={({ line, shell }) => change({ line, shell })}
              onClose={() => {
                setSearching(false);
                focus();
              }}
            />
          </Suspense>
        )}
      </div>
      <CommandHint
        draft={draft}
        problem={prepared.ok || prepared.problem === '' ? null : prepared.problem}
        workspace={workspace}
        missing={missing}
        onChange={change}
        onSearch={search}
      />
      {action.problem !== null && <Problem error={action.problem} />}
    </form>
  );
}

/** Something was asked for once that has to be said again. */
function needsAttention(initial: Draft | null): boolean {
  return initial?.variables.some(({ value }) => value === null) ?? false;
}
