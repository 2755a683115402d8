const MARK = '\0';
const FIRST = 0x80;
const LAST = 0xff;

/**
 * Return `text` with every byte that is not UTF-8 as `write` has it.
 *
 * In messages such a byte is U+0000 and the character with its value: `caf\u0000é` is `caf\xe9`.
 * No program can receive U+0000, so it means nothing else.
 */
export function replaceBytes(text: string, write: (byte: number) => string): string {
  if (!text.includes(MARK)) return text;
  return text
    .split(MARK)
    .map((part, index) => {
      const byte = part.charCodeAt(0);
      const isMarked = index > 0 && byte >= FIRST && byte <= LAST;
      if (isMarked) return write(byte) + part.slice(1);
      return index > 0 ? MARK + part : part;
    })
    .join('');
}

/** As people write the byte, and most languages. */
export function byteEscape(byte: number): string {
  return `\\x${byte.toString(16).padStart(2, '0')}`;
}

/** The text as it is shown and searched. */
export function shownText(text: string): string {
  return replaceBytes(text, byteEscape);
}

/** The text of one byte. */
export function textOfByte(byte: number): string {
  const char = String.fromCharCode(byte);
  return byte >= FIRST ? MARK + char : char;
}
