import { useEffect, useMemo, useRef, useState } from 'react';
import { useClient } from '../../hooks/useClient';
import { useMe } from '../../hooks/useMe';
import { usePreferences } from '../../hooks/usePreferences';
import { useShortcuts } from '../../hooks/useShortcuts';
import { useStore } from '../../hooks/useStore';
import { useTaskStaleSince } from '../../hooks/useTaskStaleSince';
import { isFinal } from '../../live/merge';
import { mayOperate } from '../../live/words';
import type { Task } from '../../protocol/messages';
import { AsOfTime } from '../AsOf';
import {
  createOutputController,
  KeyRow,
  type Look,
  type OutputController,
  OutputView,
} from '../terminal';
import { LinkQuestion } from './LinkQuestion';
import { OutputBar } from './OutputBar';
import { PAGE_FONT } from './pageFont';
import styles from './TaskScreen.module.css';

interface Props {
  task: Task;
  /** Offset to begin at; null: follow the end. */
  startAt: number | null;
  /** Who else wants to steer it or to show its figures. */
  onController: (controller: OutputController) => void;
  /** A terminal that one came to type into. */
  focused: boolean;
}

/** A task's output, with what steers it. Brings the terminal with it, so it is loaded apart. */
export default function TaskScreen({ task, startAt, onController, focused }: Props) {
  const [question, setQuestion] = useState<string | null>(null);
  const controller = useController(task, startAt, setQuestion);
  const searchField = useRef<HTMLInputElement>(null);
  useEffect(() => onController(controller), [controller, onController]);
  useEffect(() => {
    if (focused) controller.focus();
  }, [controller, focused]);
  useOutputKeys(controller, searchField, task.tty !== null);
  const staleSince = useTaskStaleSince(task);
  return (
    <div
      className={styles.screen}
      data-terminal={task.tty !== null || undefined}
      data-stale={staleSince !== null || undefined}
    >
      <OutputView controller={controller} />
      {staleSince !== null && (
        <p className={styles.asOf} data-output-as-of>
          <AsOfTime since={staleSince} />
        </p>
      )}
      <OutputBar controller={controller} isTerminal={task.tty !== null} searchField={searchField} />
      {task.tty !== null && !isFinal(task.status) && (
        <div className={styles.keys}>
          <KeyRow controller={controller} />
        </div>
      )}
      <LinkQuestion url={question} onClose={() => setQuestion(null)} />
    </div>
  );
}

function useController(
  task: Task,
  startAt: number | null,
  openLink: (url: string) => void,
): OutputController {
  const client = useClient();
  const me = useMe();
  const look = useLook();
  const first = useRef({ task, startAt, look, writable: mayOperate(me) }).current;
  const controller = useMemo(
    () =>
      createOutputController(client, first.task, {
        look: first.look,
        writable: first.writable,
        startAt: first.startAt,
        takesSize: () => client.directory.isFirstLook(first.task.id),
        openLink,
      }),
    [client, first, openLink],
  );
  useEffect(() => controller.setLook(look), [controller, look]);
  useEffect(() => () => controller.dispose(), [controller]);
  return controller;
}

function useLook(): Look {
  const [{ terminalFont, terminalFontSize, terminalPalette }] = usePreferences();
  return useMemo(
    () => ({
      fontSize: terminalFontSize,
      fontFamily: terminalFont === null ? PAGE_FONT : `"${terminalFont}", ${PAGE_FONT}`,
      palette: terminalPalette,
    }),
    [terminalFont, terminalFontSize, terminalPalette],
  );
}

function useOutputKeys(
  controller: OutputController,
  searchField: React.RefObject<HTMLInputElement | null>,
  isTerminal: boolean,
): void {
  const group = 'Output';
  const { following } = useStore(controller.view);
  const findStderr = () => void controller.nextStderr();
  const onlyText = [
    { key: 't', label: 'Show or hide times', group, run: () => controller.toggleTimes() },
    { key: 'w', label: 'Wrap long lines, or not', group, run: () => controller.toggleWrap() },
    { key: 'e', label: 'Next stderr', group, run: findStderr },
  ];
  useShortcuts([
    { key: '/', label: 'Search the output', group, run: () => searchField.current?.focus() },
    { key: 'n', label: 'Next hit', group, run: () => controller.nextHit() },
    { key: 'p', label: 'Previous hit', group, run: () => controller.previousHit() },
    { key: 'f', label: 'Follow, or let go', group, run: () => controller.follow(!following) },
    { key: 'g', label: 'To the start', group, run: () => controller.toStart() },
    { key: 'G', label: 'To the end', group, run: () => controller.toEnd() },
    ...(isTerminal ? [] : onlyText),
  ]);
}
