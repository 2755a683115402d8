/** What of an arriving range is new. `missing`: it begins beyond `end`; nothing was changed. */
export type Received =
  | { kind: 'new'; from: number; skip: number }
  | { kind: 'known' }
  | { kind: 'missing' };

/**
 * The receiving half of a task's log: offsets only, never bytes.
 *
 * The bytes at an offset never change, so any chunking will do and a repeat is harmless.
 */
export class ReceiveStream {
  #end: number;

  constructor(end: number) {
    this.#end = end;
  }

  /** Where the log goes on. */
  get end(): number {
    return this.#end;
  }

  /** Take `[from, to)`, bytes or a gap; after `new`, `end` counts it. */
  receive(from: number, to: number): Received {
    if (from > this.#end) {
      return { kind: 'missing' };
    }
    if (to <= this.#end) {
      return { kind: 'known' };
    }
    const start = this.#end;
    this.#end = to;
    return { kind: 'new', from: start, skip: start - from };
  }
}
