const STORAGE_KEY = 'arbor.return';
const MAX_ADDRESS_CHARACTERS = 2_048;

/**
 * The page of this hub on which signing in became necessary, kept by one tab of a browser.
 *
 * A sign-in link leads to `/`. Pasted into the tab of another page it is a navigation, after which
 * only the tab's storage knows where its user was.
 */
export class ReturnAddress {
  readonly #storage: Storage;

  constructor(storage: Storage) {
    this.#storage = storage;
  }

  /** Keep the address shown now; that of the overview, where links lead, replaces no other. */
  keep(): void {
    const address = location.pathname + location.search + location.hash;
    if (address === '/' || !isOwn(address)) return;
    try {
      this.#storage.setItem(STORAGE_KEY, address);
    } catch {
      // A forbidden or full storage: a link leads to the overview.
    }
  }

  /** Return the address and forget it; null: there is none. */
  take(): string | null {
    try {
      const address = this.#storage.getItem(STORAGE_KEY);
      this.#storage.removeItem(STORAGE_KEY);
      return address !== null && isOwn(address) ? address : null;
    } catch {
      return null;
    }
  }
}

/** `//name` would be another host's. */
function isOwn(address: string): boolean {
  return /^\/(?!\/)/.test(address) && address.length <= MAX_ADDRESS_CHARACTERS;
}
