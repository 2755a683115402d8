import type { PointerEvent } from 'react';
import { useStore } from '../../hooks/useStore';
import styles from './KeyRow.module.css';
import type { OutputKey } from './keys';
import type { OutputController } from './OutputController';

const KEYS: readonly { key: OutputKey; label: string; name: string }[] = [
  { key: 'Escape', label: 'Esc', name: 'Escape' },
  { key: 'Tab', label: 'Tab', name: 'Tab' },
];

const ARROWS: readonly { key: OutputKey; label: string; name: string }[] = [
  { key: 'ArrowUp', label: '↑', name: 'Up' },
  { key: 'ArrowDown', label: '↓', name: 'Down' },
  { key: 'ArrowLeft', label: '←', name: 'Left' },
  { key: 'ArrowRight', label: '→', name: 'Right' },
];

/** Keys that a phone's keyboard lacks; above it, in terminals that are typed into. */
export function KeyRow({ controller }: { controller: OutputController }) {
  const { writable, ctrl } = useStore(controller.view);
  if (!writable) {
    return null;
  }
  const button = ({ key, label, name }: (typeof KEYS)[number]) => (
    <button key={key} type="button" aria-label={name} onClick={() => controller.sendKey(key)}>
      {label}
    </button>
  );
  return (
    // The terminal keeps the focus, and with it the phone's keyboard.
    <div className={styles.keys} role="toolbar" aria-label="Keys" onPointerDown={keepFocus}>
      {KEYS.map(button)}
      <button type="button" aria-pressed={ctrl} onClick={() => controller.toggleCtrl()}>
        Ctrl
      </button>
      {ARROWS.map(button)}
      <button type="button" onClick={() => void paste(controller)}>
        Paste
      </button>
    </div>
  );
}

function keepFocus(event: PointerEvent): void {
  event.preventDefault();
}

async function paste(controller: OutputController): Promise<void> {
  // Whoever does not allow it has said so to the browser's own question.
  const text = await navigator.clipboard.readText().catch(() => '');
  controller.paste(text);
  controller.focus();
}
