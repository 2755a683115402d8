import { useNavigate } from '@tanstack/react-router';
import { useEffect } from 'react';
import { onOpenTask, showNotice } from '../live/browserNotifications';
import { EndNotices } from '../live/notifications';
import { useClient } from './useClient';

/** Tells of ends while the page is not looked at, if its user wants that; for the page's root. */
export function useEndNotices(): void {
  const { directory, preferences } = useClient();
  const navigate = useNavigate();
  useEffect(() => {
    const notices = new EndNotices(directory.startedHere);
    const open = (taskId: string) => void navigate({ to: '/tasks/$taskId', params: { taskId } });
    const look = () => {
      const { tasks, workspaces } = directory.state.get();
      for (const notice of notices.next(tasks, workspaces, document.hidden)) {
        if (preferences.get().notify) void showNotice(notice, open);
      }
    };
    const stops = [directory.state.subscribe(look), onOpenTask(open)];
    return () => {
      for (const stop of stops) {
        stop();
      }
    };
  }, [directory, preferences, navigate]);
}
