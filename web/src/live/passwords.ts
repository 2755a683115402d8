/** As the hub counts them; it has the last word. */
const MIN_CHARACTERS = 10;
const MAX_BYTES = 1_024;

/** Why this cannot be a password; null when it can, or when nothing was typed yet. */
export function passwordProblem(password: string, username: string): string | null {
  const normal = password.normalize('NFC');
  const missing = MIN_CHARACTERS - [...normal].length;
  if (normal === '') return null;
  if (missing > 0) return missing === 1 ? 'One more character.' : `${missing} more characters.`;
  if (new TextEncoder().encode(normal).length > MAX_BYTES) {
    return `It is too long: ${MAX_BYTES} bytes at most.`;
  }
  if (normal.toLowerCase() === username.normalize('NFC').toLowerCase()) {
    return 'The name of the account is no password.';
  }
  return null;
}
