import type { GapInfo } from '../protocol/messages';
import { formatSize } from './format';
import { gapReason } from './words';

const RESET = '\x1b[0m';
const MARKED = '\x1b[0;30;43m';

/** The line that a terminal shows in place of what is missing. */
export function gapNote(gap: GapInfo, atLineStart: boolean): Uint8Array {
  const before = atLineStart ? '' : '\r\n';
  const text = `${formatSize(gap.to - gap.from)} are missing here: ${gapReason(gap.reason)}`;
  return new TextEncoder().encode(`${before}${MARKED} ${text} ${RESET}\r\n`);
}
