import { Button } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { type FormEvent, type KeyboardEvent, useState } from 'react';
import { useAction } from '../hooks/useAction';
import { useClient } from '../hooks/useClient';
import { splitCommandLine } from '../live/argv';
import { commandLine } from '../live/words';
import type { Task, Workspace } from '../protocol/messages';
import { ArgumentList } from './ArgumentList';
import styles from './CommandBar.module.css';

interface Props {
  workspaces: readonly Workspace[];
  tasks: readonly Task[];
}

/** What people come for: run something. */
export function CommandBar({ workspaces, tasks }: Props) {
  const { directory } = useClient();
  const navigate = useNavigate();
  const [line, setLine] = useState('');
  const [shell, setShell] = useState(false);
  const [chosen, setChosen] = useState<string | null>(null);
  const [recalled, setRecalled] = useState(-1);
  const action = useAction();
  const workspace = workspaces.find(({ id }) => id === chosen) ?? preferred(workspaces);
  const split = splitCommandLine(line);
  const [command, ...args] = shell ? [line.trim()] : split.ok ? split.argv : [];
  const isConnected = workspace?.state === 'connected';

  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (workspace === undefined || !command || action.busy) return;
    action.run(async () => {
      const ifOffline = isConnected ? 'fail' : 'queue';
      const task = await directory.run(workspace.id, { command, args, shell, ifOffline });
      await navigate({ to: '/tasks/$taskId', params: { taskId: task.id } });
    });
  };

  const recall = (event: KeyboardEvent) => {
    const step = event.key === 'ArrowUp' ? 1 : event.key === 'ArrowDown' ? -1 : 0;
    const task = tasks[recalled + step];
    if (step === 0 || (task === undefined && recalled + step !== -1)) return;
    event.preventDefault();
    setRecalled(recalled + step);
    setLine(task === undefined ? '' : commandLine(task));
    setShell(task?.shell ?? shell);
  };

  return (
    <form className={styles.form} onSubmit={submit}>
      <div className={styles.bar}>
        <select
          className={styles.workspace}
          aria-label="Workspace"
          value={workspace?.id}
          onChange={(event) => setChosen(event.target.value)}
        >
          {workspaces.map(({ id, name }) => (
            <option key={id} value={id}>
              {name}
            </option>
          ))}
        </select>
        <input
          className={styles.line}
          aria-label="Command"
          placeholder="make -j8 test"
          autoCapitalize="none"
          autoComplete="off"
          autoCorrect="off"
          spellCheck={false}
          value={line}
          onKeyDown={recall}
          onChange={(event) => {
            setLine(event.target.value);
            setRecalled(-1);
          }}
        />
        <label className={styles.shell} title="Run the line with /bin/sh -c">
          <input
            type="checkbox"
            checked={shell}
            onChange={(event) => setShell(event.target.checked)}
          />
          Shell
        </label>
        <Button type="submit" variant="filled" disabled={!command || action.busy}>
          {isConnected ? 'Run' : 'Queue'} <span aria-hidden="true">↵</span>
        </Button>
      </div>
      <div className={styles.hint} aria-live="polite">
        {shell ? <span>/bin/sh -c runs this line</span> : <ArgumentList split={split} />}
        {!isConnected && workspace !== undefined && (
          <span>{workspace.name} is not connected; this starts when it is.</span>
        )}
      </div>
      {action.problem !== null && (
        <p role="alert" className="problem">
          {action.problem}
        </p>
      )}
    </form>
  );
}

function preferred(workspaces: readonly Workspace[]): Workspace | undefined {
  return workspaces.find(({ state }) => state === 'connected') ?? workspaces[0];
}
