import type { Readiness } from '../protocol/messages';
import { ApiError } from './http';

interface Meaning {
  readonly title: string;
  readonly todo: string;
}

const MEANINGS: Record<string, Meaning> = {
  database: {
    title: 'The hub cannot write to its database',
    todo: 'What runs goes on and its output waits on its machine; nothing new can be started. Check the disk and the rights of the data folder.',
  },
  disk: {
    title: 'The disk of the hub is nearly full',
    todo: 'Output waits on its machines and arrives when there is space. Free some, or lower how long output is kept.',
  },
  draining: {
    title: 'The hub is going down',
    todo: 'What runs goes on and its output waits on its machine. If the hub does not come back by itself, start it again.',
  },
};

export interface ReadinessProblem extends Meaning {
  readonly name: string;
  /** In the hub's own words. */
  readonly reason: string | null;
}

/** Whether the hub can do its work. It says no with an answer of its own, not with an error. */
export async function askReadiness(): Promise<Readiness> {
  let response: Response;
  try {
    response = await fetch('/readyz', { headers: { Accept: 'application/json' } });
  } catch {
    throw new ApiError('The hub cannot be reached.', 0, 'unreachable');
  }
  if (!response.ok && response.status !== 503) {
    throw new ApiError(
      `The hub answered with HTTP status ${response.status}.`,
      response.status,
      '',
    );
  }
  return (await response.json()) as Readiness;
}

/** What is wrong, what that means, and what to do. */
export function readinessProblems({ checks }: Readiness): ReadinessProblem[] {
  return Object.entries(checks)
    .filter(([, check]) => !check.ok)
    .map(([name, { reason }]) => ({
      name,
      reason,
      ...(MEANINGS[name] ?? {
        title: `A check fails: ${name}`,
        todo: 'The log of the hub says more.',
      }),
    }));
}
