import { post } from './http';
import { Store } from './store';

export type Proof = { password: string } | { link: string };

/** Asks a person to prove that it is still them, when the hub wants that before it goes on. */
export class Confirmation {
  /** Whether an answer is waited for. */
  readonly asked = new Store(false);
  #answer: Promise<boolean> | null = null;
  #resolve: (isConfirmed: boolean) => void = () => {};

  /** Resolves to whether they did; requests that ask at the same time share the answer. */
  readonly ask = (): Promise<boolean> => {
    this.#answer ??= new Promise((resolve) => {
      this.#resolve = resolve;
    });
    this.asked.set(true);
    return this.#answer;
  };

  /** Rejects with what the hub has against the proof, and goes on asking. */
  async confirm(proof: Proof): Promise<void> {
    await post('/api/session/confirm', proof);
    this.#end(true);
  }

  /** They do not want to. */
  leave(): void {
    this.#end(false);
  }

  #end(isConfirmed: boolean): void {
    this.#answer = null;
    this.asked.set(false);
    this.#resolve(isConfirmed);
  }
}

/** The secret of a sign-in link, of which people paste the whole address. */
export function linkSecret(text: string): string {
  const [, fragment] = text.trim().split('#');
  return new URLSearchParams(fragment ?? '').get('link') ?? text.trim();
}
