import { expect, test } from 'vitest';
import { DEFAULT_PREFERENCES, PreferenceStore } from './preferences';
import { FakeStorage } from './testing/fakeStorage';

test('what was changed is there the next time', () => {
  const storage = new FakeStorage();
  new PreferenceStore(storage).change({
    terminalFontSize: 16,
    notify: true,
    announceOutput: false,
  });
  expect(new PreferenceStore(storage).get()).toEqual({
    ...DEFAULT_PREFERENCES,
    terminalFontSize: 16,
    notify: true,
    announceOutput: false,
  });
});

test.each([
  'not json',
  'null',
  '7',
  '{"terminalFontSize": 4000, "terminalPalette": "__proto__", "terminalFont": 3}',
])('%s in the storage is as good as nothing', (stored) => {
  const storage = new FakeStorage();
  storage.setItem('arbor.preferences', stored);
  expect(new PreferenceStore(storage).get()).toEqual(DEFAULT_PREFERENCES);
});

test('a full storage does not keep a preference from being used', () => {
  const storage = new FakeStorage();
  storage.setItem = () => {
    throw new DOMException('full', 'QuotaExceededError');
  };
  const preferences = new PreferenceStore(storage);
  preferences.change({ terminalPalette: 'paper' });
  expect(preferences.get().terminalPalette).toBe('paper');
});
