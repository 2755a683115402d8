import type { Principal, Workspace } from '../protocol/messages';

/** Whether a workspace is one's own. A hub that is too old to say shows members their own only. */
export function isOwn({ owner }: Workspace, me: Principal): boolean {
  return owner ? owner.id === me.userId : me.role === 'member';
}

/** One's own workspace by its name, another account's as `account/name`. */
export function shownName(workspace: Workspace, me: Principal): string {
  const { name, owner } = workspace;
  return !owner || isOwn(workspace, me) ? name : `${owner.username}/${name}`;
}

/** One's own before those of others, whose names do not decide what comes first. */
export function ownFirst(workspaces: readonly Workspace[], me: Principal): Workspace[] {
  return [
    ...workspaces.filter((workspace) => isOwn(workspace, me)),
    ...workspaces.filter((workspace) => !isOwn(workspace, me)),
  ];
}

/** The workspace to run in as long as none was picked: never another account's. */
export function preferredWorkspace(
  workspaces: readonly Workspace[],
  me: Principal,
): Workspace | undefined {
  const own = workspaces.filter((workspace) => isOwn(workspace, me));
  return own.find(({ state }) => state === 'connected') ?? own[0];
}
