const SERVICE_RESTART = 1012;
const UNAVAILABLE = 1013;
const TOO_MANY_REQUESTS = 4429;
/** Closes that may carry a number; a reason of any other code is text alone. */
const RETRY_CLOSE_CODES = [SERVICE_RESTART, UNAVAILABLE, TOO_MANY_REQUESTS];
/** The last part of a reason. Hubs up to 0.1.0 end some reasons with a full stop. */
const TOKEN = /(?<!\w)retry in (\d{1,6}(?:\.\d{1,3})?) seconds\.?$/;
const HEADER = /^(\d{1,6}(?:\.\d{1,3})?)$/;

/** For how many seconds a hub that closed so wants to be left alone, if it says so. */
export function retryAfterOfClose(code: number, reason: string): number | null {
  return RETRY_CLOSE_CODES.includes(code) ? numberIn(TOKEN, reason) : null;
}

/** The same of the header `Retry-After`; null for a date. */
export function retryAfterOfHeader(header: string | null): number | null {
  return numberIn(HEADER, header?.trim() ?? '');
}

function numberIn(pattern: RegExp, text: string): number | null {
  const found = pattern.exec(text)?.[1];
  return found === undefined ? null : Number(found);
}
