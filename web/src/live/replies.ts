/**
 * What a terminal sends by itself: device attributes, status, cursor, modes, settings, colours and
 * sizes that a program asked for, and reports of focus and of a pointer that only moves.
 *
 * A cursor's position in the first row looks like F3 with a modifier, which is a key.
 */
const REPLY =
  /^(?:\[\?[\d;:]*\$?[a-zA-Z]|\[[>=][\d;:]*c|\[[\d;]*(?:\$y|[cntx])|\[[IO]|\[(?!1;[2-9]R)\d+;\d+R|[P\]_])/;
const POINTER = /^\[<(\d+);/;
const ESCAPE = '\x1b';
const MOTION = 32;
const WHEEL = 64;
const NO_BUTTON = 3;

/** Whether nobody typed this, and it must not count as typing. */
export function isReply(text: string): boolean {
  if (!text.startsWith(ESCAPE)) {
    return false;
  }
  const rest = text.slice(ESCAPE.length);
  const pointer = POINTER.exec(rest);
  if (pointer !== null) {
    const button = Number(pointer[1]);
    return (button & MOTION) !== 0 && (button & WHEEL) === 0 && (button & 3) === NO_BUTTON;
  }
  return REPLY.test(rest) && text.length > 2;
}
