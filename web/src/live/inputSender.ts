import type { ErrorMessage, ViewerInput } from '../protocol/messages';

const KIB = 1024;
/** Sent and not yet taken by the command: one frame of the protocol. */
export const INPUT_AHEAD_BYTES = 64 * KIB;
/** Kept for a command that does not read, or a hub that is away. */
export const INPUT_KEPT_BYTES = 1024 * KIB;
/** How long until a hub is tried again that could not take input, and did not say how long. */
const ASK_AGAIN_SECONDS = 1;
/** Beyond any input: a hub of 0.1.0 answers with where its own ends, and changes nothing. */
const WHERE_DOES_IT_END = Number.MAX_SAFE_INTEGER;

const NOT_NOW = ['input_not_ready', 'input_window_full'];
const NEVER = ['task_over', 'input_closed', 'not_allowed'];

/** Whether an error with this code answers input. */
export function concernsInput(code: string): boolean {
  return code === 'offset_out_of_order' || NOT_NOW.includes(code) || NEVER.includes(code);
}

export type InputState =
  /** Not connected, or the hub has not said yet where the input ends. */
  { kind: 'waiting' } | { kind: 'ready' } | { kind: 'closed'; reason: string };

/**
 * What is typed, on its way to a task whose terminal others may type into as well. Pure.
 *
 * Input goes after whatever came before it, so nobody overwrites anybody. Every byte is kept until
 * the command has taken it (`inputAck`). After a reconnect the hub says how far its input goes (a hub
 * of 0.1.0 only in an error, which is provoked): that says how many of the kept bytes it has, and the rest is sent again, exactly once. Only when
 * somebody else typed meanwhile can nobody know; then what was on its way is given up and that is
 * said.
 */
export class InputSender {
  state: InputState = { kind: 'waiting' };
  /** Bytes that may or may not have arrived; null if there are none. */
  uncertain: number | null = null;
  readonly taskId: string;
  #kept = new Uint8Array(0);
  #sent = 0;
  /** Offset of the first kept byte, as far as others let us know it. */
  #base = 0;
  #connected = false;
  #asked = false;
  #askAt: number | null = null;
  /** The hub says by itself where its input ends. */
  #tellsEnd = false;
  /** It has said so together with its refusal. */
  #endIsKnown = false;
  #frameBytes = INPUT_AHEAD_BYTES;

  constructor(taskId: string) {
    this.taskId = taskId;
  }

  /** Bytes that the command has not taken yet. */
  get waiting(): number {
    return this.#kept.length;
  }

  /** Append; false if there is no room, and then nothing of it is taken. */
  type(data: Uint8Array): boolean {
    if (this.state.kind === 'closed' || this.#kept.length + data.length > INPUT_KEPT_BYTES) {
      return false;
    }
    const kept = new Uint8Array(this.#kept.length + data.length);
    kept.set(this.#kept);
    kept.set(data, this.#kept.length);
    this.#kept = kept;
    return true;
  }

  /** A new connection follows the task. `tellsEnd`: its hub calls for `ends`. */
  connected(tellsEnd = false, frameBytes = INPUT_AHEAD_BYTES): void {
    this.#connected = true;
    this.#tellsEnd = tellsEnd;
    this.#endIsKnown = false;
    this.#frameBytes = Math.min(INPUT_AHEAD_BYTES, Math.max(1, frameBytes));
    this.#asked = false;
    this.#askAt = null;
    if (this.state.kind === 'ready') this.state = { kind: 'waiting' };
  }

  disconnected(): void {
    this.#connected = false;
    if (this.state.kind === 'ready') this.state = { kind: 'waiting' };
  }

  /** The command has taken everything below `offset`, ours or not. */
  acknowledged(offset: number): void {
    const taken = offset - this.#base;
    if (taken <= 0) {
      return;
    }
    const ours = Math.min(taken, this.#sent);
    this.#kept = this.#kept.slice(ours);
    this.#sent -= ours;
    this.#base = offset;
  }

  refused(error: ErrorMessage, now: number): void {
    if (error.code === 'offset_out_of_order' && typeof error.want === 'number') {
      this.ends(error.want);
    } else if (NOT_NOW.includes(error.code)) {
      this.state = { kind: 'waiting' };
      this.#endIsKnown = typeof error.want === 'number';
      if (typeof error.want === 'number') this.#count(error.want);
      if (this.#endIsKnown || !this.#tellsEnd) {
        this.#askAt = now + (error.retryAfter ?? ASK_AGAIN_SECONDS);
      }
    } else if (NEVER.includes(error.code)) {
      this.close(error.message);
    }
  }

  /** Nothing more can be typed. */
  close(reason: string): void {
    this.state = { kind: 'closed', reason };
    if (this.#kept.length > 0) this.uncertain = this.#kept.length;
    this.#kept = new Uint8Array(0);
    this.#sent = 0;
  }

  /** When `onDeadline` is due. */
  nextDeadline(): number | null {
    return this.#askAt;
  }

  onDeadline(now: number): void {
    if (this.#askAt !== null && now >= this.#askAt) {
      this.#askAt = null;
      this.#asked = false;
      if (this.#endIsKnown && this.#connected && this.state.kind === 'waiting') {
        this.state = { kind: 'ready' };
      }
      this.#endIsKnown = false;
    }
  }

  toSend(): ViewerInput[] {
    if (!this.#connected || this.state.kind === 'closed') {
      return [];
    }
    if (this.state.kind === 'waiting') {
      if (this.#asked || this.#tellsEnd) return [];
      this.#asked = true;
      return [{ type: 'input', taskId: this.taskId, offset: WHERE_DOES_IT_END }];
    }
    const messages: ViewerInput[] = [];
    while (this.#sent < Math.min(this.#kept.length, INPUT_AHEAD_BYTES)) {
      const to = Math.min(INPUT_AHEAD_BYTES, this.#sent + this.#frameBytes);
      const input = this.#kept.subarray(this.#sent, to);
      this.#sent += input.length;
      messages.push({ type: 'input', taskId: this.taskId, input });
    }
    return messages;
  }

  /** The hub's input goes up to `end`: how much of ours does it have? */
  ends(end: number): void {
    if (!this.#connected || this.state.kind !== 'waiting' || this.#endIsKnown) {
      return;
    }
    this.#count(end);
    this.state = { kind: 'ready' };
  }

  #count(end: number): void {
    const arrived = end - this.#base;
    if (arrived >= 0 && arrived <= this.#sent) {
      // Kept all the same: what the hub has may still be lost with it.
      this.#sent = arrived;
    } else {
      if (this.#sent > 0) this.uncertain = this.#sent;
      this.#kept = this.#kept.slice(this.#sent);
      this.#sent = 0;
      this.#base = end;
    }
  }
}
