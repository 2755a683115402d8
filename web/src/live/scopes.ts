import type { Token } from '../protocol/messages';

export type Scope = Token['scopes'][number];

interface ScopeWords {
  /** In a list, after the name of who may. */
  readonly short: string;
  readonly long: string;
}

export const SCOPE_WORDS: Record<Scope, ScopeWords> = {
  'tasks:read': { short: 'watch', long: 'See workspaces, tasks and their output' },
  'tasks:write': { short: 'run', long: 'Run commands, type into them and cancel them' },
  'workspaces:write': {
    short: 'add workspaces',
    long: 'Add workspaces, each with its first machine',
  },
  'daemons:write': {
    short: 'manage machines',
    long: 'Replace and remove machines; with the one above, rename and remove workspaces',
  },
  admin: { short: 'do everything', long: 'Everything, including tokens, passwords and accounts' },
};

export const SCOPES = Object.keys(SCOPE_WORDS) as readonly Scope[];

/** `watch, run`; `do everything` says it all. */
export function scopesInShort(scopes: readonly Scope[]): string {
  const said = scopes.includes('admin')
    ? (['admin'] as const)
    : SCOPES.filter((scope) => scopes.includes(scope));
  return said.map((scope) => SCOPE_WORDS[scope].short).join(', ');
}
