import type { HubToViewer, TaskStatusChanged, ViewerToHub, WireLimits } from '../protocol/messages';
import { concernsInput, InputSender } from './inputSender';

/** The capability of a hub that says in `status` where a task's input ends. */
const INPUT_END = 'inputEnd';

/** What a hub has said of itself in `welcome`; no limits: there was none. */
export interface Announced {
  readonly capabilities: readonly string[];
  readonly limits: Partial<WireLimits> | null;
}

export interface InputEnvironment {
  send(message: ViewerToHub): void;
  now(): number;
  schedule(seconds: number, callback: () => void): () => void;
  onChange(): void;
}

/** The shell around an `InputSender`: one place that sends, one timer. */
export class TaskInput {
  readonly sender: InputSender;
  readonly #environment: InputEnvironment;
  #cancelTimer: (() => void) | null = null;
  #refused = 0;

  constructor(taskId: string, environment: InputEnvironment) {
    this.sender = new InputSender(taskId);
    this.#environment = environment;
  }

  /** What went wrong with what was typed, for a person. */
  get problem(): string | null {
    const { uncertain, state } = this.sender;
    if (uncertain !== null) {
      return `The connection broke while ${count(uncertain)} typed here ${uncertain === 1 ? 'was' : 'were'} on the way, and somebody else typed as well. Look before you type it again.`;
    }
    if (this.#refused > 0) {
      return `The program does not read: ${count(this.#refused)} typed here ${this.#refused === 1 ? 'was' : 'were'} not taken.`;
    }
    return state.kind === 'closed' && state.reason !== '' ? state.reason : null;
  }

  type(data: Uint8Array): void {
    this.sender.uncertain = null;
    this.#refused = this.sender.type(data) ? 0 : this.#refused + data.length;
    this.#flush();
  }

  /** A terminal's own answer: now or not at all, and it does not count as typing. */
  reply(input: Uint8Array): void {
    if (this.sender.state.kind === 'ready') {
      const { taskId } = this.sender;
      this.#environment.send({ type: 'input', taskId, input, isReply: true });
    }
  }

  /** A new connection follows the task; `hub`: what its hub has announced. */
  connected(hub: Announced): void {
    const tellsEnd = hub.capabilities.includes(INPUT_END);
    this.sender.connected(tellsEnd, hub.limits?.inputFrameBytes);
    this.#flush();
  }

  /** The task as it is now, with where its input ends if the hub knows that. */
  told({ inputEnd }: TaskStatusChanged): void {
    if (typeof inputEnd !== 'number') return;
    this.sender.ends(inputEnd);
    this.#flush();
  }

  disconnected(): void {
    this.sender.disconnected();
  }

  /** Whether the message was about input. */
  receive(message: HubToViewer): boolean {
    if (message.type === 'inputAck') {
      this.sender.acknowledged(message.offset);
    } else if (message.type === 'error' && concernsInput(message.code)) {
      this.sender.refused(message, this.#environment.now());
    } else {
      return false;
    }
    this.#flush();
    return true;
  }

  close(): void {
    this.#cancelTimer?.();
    this.sender.close('');
  }

  #flush(): void {
    for (const message of this.sender.toSend()) this.#environment.send(message);
    this.#cancelTimer?.();
    this.#cancelTimer = null;
    const deadline = this.sender.nextDeadline();
    if (deadline !== null) {
      const { now, schedule } = this.#environment;
      this.#cancelTimer = schedule(Math.max(0, deadline - now()), () => {
        this.sender.onDeadline(now());
        this.#flush();
      });
    }
    this.#environment.onChange();
  }
}

function count(bytes: number): string {
  return bytes === 1 ? 'a character' : `${bytes} bytes`;
}
