import type { Problem } from '../protocol/messages';
import { retryAfterOfHeader } from './retryAfter';

export interface Page<T> {
  items: T[];
  nextCursor: string | null;
}

/** The hub refused, and says why; `status` 0: it could not be reached. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  /** Seconds the hub wants us to wait; null if it did not say. */
  readonly retryAfter: number | null;

  constructor(message: string, status: number, code: string, retryAfter: number | null = null) {
    super(message);
    this.status = status;
    this.code = code;
    this.retryAfter = retryAfter;
  }
}

const CONFIRMATION_NEEDED = 'confirmation_needed';
let confirmation: (() => Promise<boolean>) | null = null;

/** How a person is asked to prove that it is them; a request that needs it is sent once more. */
export function askForConfirmation(ask: (() => Promise<boolean>) | null): void {
  confirmation = ask;
}

let unreachable: (() => void) | null = null;

/** Hear of every request that found no hub. */
export function onUnreachable(listener: (() => void) | null): void {
  unreachable = listener;
}

export function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  return request<T>('GET', path, undefined, signal);
}

export function post<T>(path: string, body: object = {}): Promise<T> {
  return request<T>('POST', path, body);
}

export function patch<T>(path: string, body: object): Promise<T> {
  return request<T>('PATCH', path, body);
}

export function remove(path: string): Promise<void> {
  return request('DELETE', path);
}

async function request<T>(
  method: string,
  path: string,
  body?: object,
  signal?: AbortSignal,
): Promise<T> {
  try {
    return await send<T>(method, path, body, signal);
  } catch (error) {
    const isNeeded = error instanceof ApiError && error.code === CONFIRMATION_NEEDED;
    if (isNeeded && confirmation !== null && (await confirmation())) {
      return send<T>(method, path, body, signal);
    }
    throw error;
  }
}

async function send<T>(
  method: string,
  path: string,
  body?: object,
  signal?: AbortSignal,
): Promise<T> {
  let response: Response;
  try {
    response = await fetch(path, {
      method,
      credentials: 'same-origin',
      headers: { Accept: 'application/json', ...(body && { 'Content-Type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
      ...(signal && { signal }),
    });
  } catch {
    if (!signal?.aborted) unreachable?.();
    throw new ApiError('The hub cannot be reached. Nothing was changed.', 0, 'unreachable');
  }
  if (!response.ok) {
    throw await refusal(response);
  }
  return response.status === 204 ? (undefined as T) : ((await response.json()) as T);
}

async function refusal(response: Response): Promise<ApiError> {
  const problem = await response.json().then(asProblem, () => ({}) as Partial<Problem>);
  return new ApiError(
    problem.detail || problem.title || `The hub answered with HTTP status ${response.status}.`,
    response.status,
    problem.code ?? 'unknown',
    retryAfterOfHeader(response.headers.get('Retry-After')) ?? problem.retryAfter ?? null,
  );
}

function asProblem(value: unknown): Partial<Problem> {
  return typeof value === 'object' && value !== null ? value : {};
}

// What Vite, Chromium, Firefox and Safari throw where a file of the page does not come.
const MISSING_FILE =
  /Unable to preload CSS|dynamically imported module|Importing a module script failed/;

/** What to tell a person about anything that was thrown. */
export function explain(error: unknown): string {
  const words = error instanceof Error ? error.message : String(error);
  // What the hub says is for a person alone: it may quote anything.
  if (error instanceof ApiError) return words;
  return MISSING_FILE.test(words)
    ? 'The hub cannot be reached, and this part of the page was not loaded before.'
    : words;
}
