import { useEffect, useRef } from 'react';
import type { Shortcut, Shortcuts } from '../live/shortcuts';
import { useClient } from './useClient';

/** Keys that work while the caller is shown. They do what the latest render says. */
export function useShortcuts(shortcuts: readonly Shortcut[]): void {
  const { shortcuts: registry } = useClient();
  const latest = useRef(shortcuts);
  useEffect(() => {
    latest.current = shortcuts;
  });
  const shape = shortcuts.map(({ key, label, group }) => `${key}\n${label}\n${group}`).join('\n\n');
  // biome-ignore lint/correctness/useExhaustiveDependencies: only what the help shows is a change
  useEffect(() => {
    const stable = latest.current.map((shortcut) => ({
      ...shortcut,
      run: () => latest.current.find(({ key }) => key === shortcut.key)?.run(),
    }));
    return registry.add(stable);
  }, [registry, shape]);
}

/** Listens to the keyboard for all of them; for the root of the page. */
export function useShortcutKeys(): void {
  const { shortcuts } = useClient();
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.isComposing) return;
      const shortcut = isEscapeHatch(event)
        ? shortcuts.find(PALETTE_KEY, true)
        : find(event, shortcuts);
      if (shortcut !== undefined) {
        event.preventDefault();
        shortcut.run();
      }
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, [shortcuts]);
}

const PALETTE_KEY = { key: 'k', ctrlKey: true, metaKey: false, altKey: false };

/** The one key that is the page's also while a program has the keyboard. */
function isEscapeHatch({ ctrlKey, shiftKey, code }: KeyboardEvent): boolean {
  return ctrlKey && shiftKey && code === 'Period';
}

function find(event: KeyboardEvent, shortcuts: Shortcuts): Shortcut | undefined {
  const { target } = event;
  if (!(target instanceof HTMLElement)) {
    return shortcuts.find(event, false);
  }
  const output = target.closest<HTMLElement>('[data-output]');
  if (output !== null) {
    const shortcut =
      output.dataset.attached === undefined ? shortcuts.find(event, false) : undefined;
    // What looks like a prompt may be a program's last words: nothing happens by answering it.
    return shortcut?.acts && output.closest('[data-terminal]') !== null ? undefined : shortcut;
  }
  const isText = target.isContentEditable || target.closest(TEXT) !== null;
  return shortcuts.find(event, isText);
}

const TEXT = 'input, textarea, select, dialog, [role="dialog"], [role="menu"]';
