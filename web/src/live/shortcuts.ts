import { Store } from './store';

/** A key that does something where one is now. */
export interface Shortcut {
  /** As `KeyboardEvent.key` gives it, with `Mod+` before it for Ctrl or ⌘: `f`, `G`, `Mod+k`. */
  readonly key: string;
  readonly label: string;
  /** Heading in the help; those of a page say what the page shows. */
  readonly group: string;
  readonly run: () => void;
  /** It starts or ends something, so it is not done by keys that were meant for a program. */
  readonly acts?: boolean;
}

export interface KeyPress {
  readonly key: string;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
  readonly altKey: boolean;
}

/** What the keys do now: whoever is shown adds theirs; the last to do so wins a key. */
export class Shortcuts {
  readonly active = new Store<readonly Shortcut[]>([]);

  /** The function returned takes them back. */
  add(shortcuts: readonly Shortcut[]): () => void {
    this.active.set([...this.active.get(), ...shortcuts]);
    return () => {
      this.active.set(this.active.get().filter((shortcut) => !shortcuts.includes(shortcut)));
    };
  }

  /** What this key does; `typing`: the keys are text now, and only those with `Mod+` count. */
  find(press: KeyPress, typing: boolean): Shortcut | undefined {
    const modified = press.ctrlKey || press.metaKey;
    if (press.altKey || (typing && !modified)) {
      return undefined;
    }
    const wanted = modified ? `Mod+${press.key.toLowerCase()}` : press.key;
    return this.active.get().findLast(({ key }) => key === wanted);
  }
}
