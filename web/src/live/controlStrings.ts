const KIB = 1024;
/** No title, address or picture we show is longer; a terminal would keep millions of them. */
export const MAX_STRING_BYTES = 64 * KIB;

const ESCAPE = 0x1b;
const BELL = 0x07;
const CANCEL = 0x18;
const SUBSTITUTE = 0x1a;
/** What after an escape begins a string: DCS, SOS, OSC, PM, APC. */
const STRING_STARTS: ReadonlySet<number | undefined> = new Set([0x50, 0x58, 0x5d, 0x5e, 0x5f]);

/**
 * Leaves out what is too much of strings for the terminal itself (titles, pictures, answers).
 *
 * Nothing of them is ever text, so what is on the screen stays the same.
 */
export class ControlStrings {
  #inString = false;
  #afterEscape = false;
  #length = 0;

  /** What is to be drawn of bytes that go on where the last ones ended. */
  shorten(bytes: Uint8Array): Uint8Array {
    const kept: Uint8Array[] = [];
    let at = 0;
    let keptFrom = 0;
    while (at < bytes.length) {
      if (!this.#inString) {
        at = this.#findStart(bytes, at);
        continue;
      }
      const end = findEnd(bytes, at);
      const room = Math.max(0, MAX_STRING_BYTES - this.#length);
      this.#length += end - at;
      if (end - at > room) {
        kept.push(bytes.subarray(keptFrom, at + room));
        keptFrom = end;
      }
      if (end < bytes.length) this.#inString = false;
      at = end;
    }
    return kept.length === 0 ? bytes : joined([...kept, bytes.subarray(keptFrom)]);
  }

  reset(): void {
    this.#inString = false;
    this.#afterEscape = false;
  }

  /** Where the next string's content begins, or the end of the bytes. */
  #findStart(bytes: Uint8Array, from: number): number {
    let at = from;
    if (!this.#afterEscape) {
      const found = bytes.indexOf(ESCAPE, from);
      if (found < 0) return bytes.length;
      at = found + 1;
      this.#afterEscape = true;
    }
    if (at === bytes.length) {
      return at;
    }
    // Another escape begins anew, and is looked at again.
    if (bytes[at] === ESCAPE) return at + 1;
    this.#afterEscape = false;
    this.#inString = STRING_STARTS.has(bytes[at]);
    this.#length = 0;
    return at + 1;
  }
}

/** Where a string ends, which is looked at again: an escape may begin the next sequence. */
function findEnd(bytes: Uint8Array, from: number): number {
  for (let at = from; at < bytes.length; at += 1) {
    const byte = bytes[at];
    if (byte === ESCAPE || byte === BELL || byte === CANCEL || byte === SUBSTITUTE) return at;
  }
  return bytes.length;
}

export function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
