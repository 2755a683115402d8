const PATIENCE_MS = 2_000;

/** Calls back when the page has nothing to do, or soon anyway; the function returned takes it back. */
export function whenIdle(callback: () => void): () => void {
  // Safari has no idle callbacks.
  if (!('requestIdleCallback' in globalThis)) {
    const timer = setTimeout(callback, PATIENCE_MS);
    return () => clearTimeout(timer);
  }
  const request = requestIdleCallback(callback, { timeout: PATIENCE_MS });
  return () => cancelIdleCallback(request);
}
