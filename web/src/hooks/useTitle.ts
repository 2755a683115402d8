import { useEffect } from 'react';

const NAME = 'Arbor';

/** What the browser's tab says while the caller is shown; null leaves it to others. */
export function useTitle(title: string | null): void {
  useEffect(() => {
    if (title === null) return;
    document.title = `${title} – ${NAME}`;
    return () => {
      document.title = NAME;
    };
  }, [title]);
}
