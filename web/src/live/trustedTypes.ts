/** The service worker is the only script that is named by an address. */
export const SERVICE_WORKER = '/serviceWorker.js';

/**
 * What a string has to be where a browser would make nodes, or run a script, of it.
 *
 * The hub's Content-Security-Policy (`require-trusted-types-for`) lets no string into such a place by
 * itself. Style elements are given their text in that way by the component library; text without a `<`
 * makes no element anywhere. What is refused here throws there.
 */
export const RULES = {
  createHTML: (text: string): string => {
    if (text.includes('<')) throw new TypeError('this page makes no elements of text');
    return text;
  },
  createScriptURL: (url: string): string => {
    if (url !== SERVICE_WORKER) throw new TypeError('this page loads no other script');
    return url;
  },
};

interface TrustedTypes {
  createPolicy(name: string, rules: typeof RULES): unknown;
}

/** Put the rules in force, in browsers that have them. */
export function restrictSinks(factory: TrustedTypes | undefined): void {
  // `default`: for strings that no policy has made something else of.
  factory?.createPolicy('default', RULES);
}

restrictSinks((globalThis as { trustedTypes?: TrustedTypes }).trustedTypes);
