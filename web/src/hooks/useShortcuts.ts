import { useEffect, useRef } from 'react';
import type { Shortcut } from '../live/shortcuts';
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
      const shortcut = shortcuts.find(event, isTyping(event.target));
      if (shortcut !== undefined) {
        event.preventDefault();
        shortcut.run();
      }
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, [shortcuts]);
}

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable ||
      target.closest('input, textarea, select, dialog, [role="dialog"]') !== null)
  );
}
