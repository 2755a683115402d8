/** Marks one over another: no writing needs more, and browsers take their square in time. */
export const MAX_MARKS = 6;
/** What takes no room of its own: marks, joiners, tags. */
const MARK = /^[\p{M}\p{Cf}]$/u;
/** The first byte of the first such character, U+00AD, and of those beyond it. */
const FIRST_LEAD = 0xc2;

/** Leaves out marks beyond what one character can carry; everything else stays, byte by byte. */
export class MarkLimit {
  #run = 0;

  /** What is to be drawn of bytes that go on where the last ones ended. */
  limit(bytes: Uint8Array): Uint8Array {
    let kept: number[] | null = null;
    let at = 0;
    while (at < bytes.length) {
      const lead = bytes[at] ?? 0;
      const character = lead < FIRST_LEAD ? '' : characterAt(bytes, at);
      const length = character === '' ? 1 : sequenceLength(lead);
      const isMark = character !== '' && MARK.test(character);
      this.#run = isMark ? this.#run + 1 : 0;
      if (this.#run > MAX_MARKS) kept ??= Array.from(bytes.subarray(0, at));
      else if (kept !== null) kept.push(...bytes.subarray(at, at + length));
      at += length;
    }
    return kept === null ? bytes : Uint8Array.from(kept);
  }
}

function sequenceLength(lead: number): number {
  if (lead < 0xe0) return 2;
  return lead < 0xf0 ? 3 : 4;
}

/** Empty where the bytes are cut off or no UTF-8. */
function characterAt(bytes: Uint8Array, at: number): string {
  const length = sequenceLength(bytes[at] ?? 0);
  let code = (bytes[at] ?? 0) & (0xff >> (length + 1));
  for (let index = at + 1; index < at + length; index += 1) {
    const byte = bytes[index] ?? 0;
    if ((byte & 0xc0) !== 0x80) return '';
    code = (code << 6) | (byte & 0x3f);
  }
  return code > 0x10ffff ? '' : String.fromCodePoint(code);
}
