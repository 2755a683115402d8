import { expect, test } from 'vitest';
import { type KeyPress, Shortcuts } from './shortcuts';

const nothing = () => undefined;

function press(key: string, more: Partial<KeyPress> = {}): KeyPress {
  return { key, ctrlKey: false, metaKey: false, altKey: false, ...more };
}

function shortcut(key: string, label = key) {
  return { key, label, group: 'Test', run: nothing };
}

test('the last one shown wins a key, and gives it back', () => {
  const shortcuts = new Shortcuts();
  shortcuts.add([shortcut('f', 'first')]);
  const takeBack = shortcuts.add([shortcut('f', 'second')]);
  expect(shortcuts.find(press('f'), false)?.label).toBe('second');
  takeBack();
  expect(shortcuts.find(press('f'), false)?.label).toBe('first');
});

test('while one types, letters are letters', () => {
  const shortcuts = new Shortcuts();
  shortcuts.add([shortcut('f'), shortcut('Mod+k')]);
  expect(shortcuts.find(press('f'), true)).toBeUndefined();
  expect(shortcuts.find(press('k', { ctrlKey: true }), true)?.key).toBe('Mod+k');
  expect(shortcuts.find(press('K', { metaKey: true }), false)?.key).toBe('Mod+k');
});

test('upper and lower case are two keys', () => {
  const shortcuts = new Shortcuts();
  shortcuts.add([shortcut('g'), shortcut('G')]);
  expect(shortcuts.find(press('G'), false)?.key).toBe('G');
  expect(shortcuts.find(press('g', { altKey: true }), false)).toBeUndefined();
  expect(shortcuts.find(press('g', { ctrlKey: true }), false)).toBeUndefined();
});
