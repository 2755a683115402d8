import { lazy } from 'react';

// What nobody sees before they ask for it is no part of the first load. It comes when the browser
// has time, so that asking for it opens it at once.

const palette = () => import('./Palette');
const shortcutHelp = () => import('./ShortcutHelp');
const accountMenu = () => import('./AccountMenu');
const phoneSheet = () => import('./PhoneSheet');
const notices = () => import('./Notices');
const commandOptions = () => import('./command/CommandOptions');
const historySearch = () => import('./command/HistorySearch');
const taskMenu = () => import('./tasks/TaskMenu');
const taskScreen = () => import('./task/TaskScreen');
const confirmIdentity = () => import('./settings/ConfirmIdentity');
const connectMachine = () => import('./ConnectMachine');

export const LaterPalette = lazy(palette);
export const LaterShortcutHelp = lazy(shortcutHelp);
export const LaterAccountMenu = lazy(accountMenu);
export const LaterPhoneSheet = lazy(phoneSheet);
export const LaterNotices = lazy(notices);
export const LaterCommandOptions = lazy(commandOptions);
export const LaterHistorySearch = lazy(historySearch);
export const LaterTaskMenu = lazy(taskMenu);
export const LaterConfirmIdentity = lazy(() =>
  confirmIdentity().then((module) => ({ default: module.ConfirmIdentity })),
);
export const LaterFirstMachine = lazy(() =>
  connectMachine().then((module) => ({ default: module.FirstMachine })),
);

/** For a moment when the browser has nothing to do. */
export function prefetchLater(): void {
  const soon = [
    taskScreen,
    palette,
    shortcutHelp,
    phoneSheet,
    commandOptions,
    historySearch,
    taskMenu,
  ];
  for (const load of soon) {
    void load();
  }
}
