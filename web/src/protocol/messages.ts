// Written by tools/generate_types.py from src/arborlink/protocol; do not edit.

export const PROTOCOL_VERSION = 1;
export const MSGPACK_SUBPROTOCOL = 'arbor.v1.msgpack';
export const FINAL_STATUSES: readonly TaskStatus[] = ['cancelled', 'completed', 'expired', 'failed', 'lost'];
export const HEARTBEAT_SECONDS = 5;
export const HEARTBEAT_MIN_SECONDS = 0.1;
export const HEARTBEAT_MAX_SECONDS = 60;
export const SILENCE_SECONDS = 15;
export const SILENCE_MIN_SECONDS = 0.5;
export const SILENCE_MAX_SECONDS = 600;
export const SILENCE_MIN_HEARTBEATS = 2;
export const WELCOME_SECONDS = 10;
export const SUBSCRIPTION_WINDOW_BYTES = 262144;
export const DEFAULT_GRACE_SECONDS = 5;

/**
 * First message of a daemon. `instanceId` is new with every start of its supervisor.
 *
 * `capabilities`: optional messages that this daemon sends to a hub that names them as well.
 * `neverStarted`: tasks that an earlier instance was given and that certainly never ran, because
 * they waited for their turn; the hub may hand them over again.
 */
export interface DaemonAuth {
  type: 'auth';
  daemonId: string;
  authToken: string;
  workspaceId: string;
  instanceId: string;
  protocol: number;
  version: string;
  host: HostInfo;
  tasks?: SpooledTask[];
  capabilities?: string[];
  neverStarted?: string[];
}

/** The machine as its daemon describes it. Shown to people, never used to decide anything. */
export interface HostInfo {
  hostname: string;
  platform: string;
  user: string;
  path: string;
}

/** A task in the daemon's journal: its spool holds the bytes `[start, end)`. */
export interface SpooledTask {
  taskId: string;
  logId: string;
  start: number;
  end: number;
  status: TaskStatus;
  inputOffset?: number;
}

/** Where a task is in its life. */
export type TaskStatus =
  | 'pending'
  | 'running'
  | 'completed'
  | 'failed'
  | 'cancelled'
  | 'lost'
  | 'expired';

/**
 * Bytes of a task's output, at most `outputFrameBytes` of `welcome` at a time.
 *
 * `time` is in µs since the task's start. `end` is where the output ended when this was sent: the
 * hub tells a viewer that is behind, which may then subscribe again, nearer to the end.
 */
export interface Output {
  type: 'output';
  taskId: string;
  offset: number;
  isError: boolean;
  time: number;
  output: Uint8Array;
  end?: number | null;
}

/** Bytes `[start, end)` (`from`, `to` on the wire) that can never arrive. */
export interface Gap {
  type: 'gap';
  taskId: string;
  from: number;
  to: number;
  reason: string;
}

/**
 * A task started, or ended. An end names the final offset and the checksum of all output.
 *
 * `at` is when it happened and `sentAt` when this was sent, both in µs since 1970 by the daemon's
 * clock, which may be wrong: how long ago it happened is what the hub takes of them. Without
 * `sentAt`, and where `at` cannot be true, it takes the time at which it hears of it. `checksum`
 * is the CRC-32 of all bytes that are not in gaps. `logId` names the spool's log: bytes of two
 * logs are never joined. `inputRead`: of its standard input the command has read what is below
 * this offset; absent where that is not known, and with a terminal.
 */
export interface Status {
  type: 'status';
  taskId: string;
  status: TaskStatus;
  exitCode?: number | null;
  signal?: number | null;
  error?: string | null;
  reason?: string | null;
  finalOffset?: number | null;
  checksum?: string | null;
  at?: number | null;
  logId?: string | null;
  inputRead?: number | null;
  sentAt?: number | null;
}

/** Input below `offset` has been written to the command's standard input. */
export interface InputAck {
  type: 'inputAck';
  taskId: string;
  offset: number;
}

/**
 * A task's terminal has this size from `offset` of its output on; `time` as in `output`.
 *
 * Sent only to a hub whose `welcome` lists the capability `resized`, after all output below
 * `offset` and before what follows; a repeat changes nothing.
 */
export interface Resized {
  type: 'resized';
  taskId: string;
  offset: number;
  cols: number;
  rows: number;
  time: number;
}

/**
 * What running tasks use, every few seconds. It counts until the next, or the connection ends.
 *
 * Sent only to a hub whose `welcome` lists the capability `usage`.
 */
export interface Usage {
  type: 'usage';
  tasks: TaskUsage[];
}

/** What the processes of one running task use: see `usage` of a task in the HTTP API. */
export interface TaskUsage {
  taskId: string;
  cpuSeconds: number;
  cpuShare: number;
  memoryBytes: number;
  processes: number;
}

/** The token of `rotate` is stored: the former one becomes invalid. */
export interface Rotated {
  type: 'rotated';
  rotationId: string;
}

/**
 * A probe (`echo` absent), or the answer to one (`echo` repeats its `sentAt`).
 *
 * `sentAt` is a monotonic clock of the sender, in any unit: only the sender reads it.
 */
export interface Heartbeat {
  type: 'heartbeat';
  sentAt: number;
  echo?: number | null;
}

/**
 * The hub's answer to a daemon's `auth`; frames of lower epochs change nothing from here on.
 *
 * `capabilities`: optional messages that this hub understands (`resized`, `usage`). A daemon
 * ignores names that it does not know.
 */
export interface DaemonWelcome {
  type: 'welcome';
  epoch: number;
  hubId: string;
  limits: WireLimits;
  tasks: TaskPosition[];
  capabilities?: string[];
}

/**
 * What `welcome` tells the peer it must keep to. Sizes in bytes, times in seconds.
 *
 * Daemons: `outputFrameBytes`, `taskUnacknowledgedBytes`, `connectionUnacknowledgedBytes`,
 * and `controlMessageBytes`. Viewers: `inputFrameBytes`, `inputWindowBytes` (input that the
 * command has not read), `subscriptions`, and `subscriptionWindowBytes` (the window of a
 * `subscribe` that names none). Both: `heartbeatSeconds` and `silenceSeconds`.
 */
export interface WireLimits {
  controlMessageBytes: number;
  outputFrameBytes: number;
  inputFrameBytes: number;
  inputWindowBytes: number;
  taskUnacknowledgedBytes: number;
  connectionUnacknowledgedBytes: number;
  subscriptions: number;
  subscriptionWindowBytes: number;
  heartbeatSeconds: number;
  silenceSeconds: number;
}

/**
 * From where the hub wants a task's output: its durable offset wins.
 *
 * `checksum` is that of the hub's bytes below `offset`. A spooled task that `welcome` does not
 * list is not wanted any more.
 */
export interface TaskPosition {
  taskId: string;
  offset: number;
  credit: number;
  checksum?: string | null;
}

/**
 * Run this. A repeat of a `taskId` is answered with the known state, never run again.
 *
 * `mergeStderr`: stdout and stderr are one pipe, whose bytes are all of stdout.
 */
export interface Command {
  type: 'command';
  taskId: string;
  command: string;
  args: string[];
  cwd: string;
  env: Record<string, string>;
  shell: boolean;
  tty: Terminal | null;
  timeout: number | null;
  onSpoolFull: 'block' | 'drop_middle' | 'kill';
  stdin: 'empty' | 'open';
  mergeStderr: boolean;
}

/**
 * A pseudo-terminal as a task begins with it.
 *
 * `modes`: settings of its line, as SSH carries them (RFC 4254, §8): `VERASE` is the key that
 * erases, 255 for none; `ECHO` and other flags are 0 or 1. What is left out is as the system has
 * it, with UTF-8 (`IUTF8`).
 */
export interface Terminal {
  cols: number;
  rows: number;
  modes: Record<string, number>;
}

/** Bytes for a command's standard input, at their offset in it; `eof` ends it after them. */
export interface Input {
  type: 'input';
  taskId: string;
  offset: number;
  input: Uint8Array;
  eof: boolean;
}

/** New size of a task's terminal. More than 1,000 by 500 is read as that. */
export interface Resize {
  type: 'resize';
  taskId: string;
  cols: number;
  rows: number;
}

/** End the task's whole process tree: SIGTERM, the grace period, SIGKILL. */
export interface Cancel {
  type: 'cancel';
  taskId: string;
  graceSeconds?: number;
}

/**
 * Output below `offset` is on the hub's disk; `credit` more bytes may be sent beyond it.
 *
 * `settled`: the task's end is stored as well; the daemon may forget the task.
 */
export interface Ack {
  type: 'ack';
  taskId: string;
  offset: number;
  credit: number;
  settled?: boolean;
}

/**
 * Use `authToken` from the next connection on, once it is stored; then answer `rotated`.
 *
 * Until the hub has that answer, both tokens are valid; a daemon that does not know this message
 * keeps its token.
 */
export interface Rotate {
  type: 'rotate';
  rotationId: string;
  authToken: string;
}

/**
 * A request of the peer cannot be carried out. `ref` names what it was about.
 *
 * `want`: for `offsetOutOfOrder`, the offset to continue from. `retryAfter`: it can be done in
 * so many seconds, where that is known.
 */
export interface ErrorMessage {
  type: 'error';
  code: string;
  message: string;
  ref?: string | null;
  want?: number | null;
  retryAfter?: number | null;
}

/** First message of a viewer: an API token, or a ticket of its browser session. */
export interface ViewerAuth {
  type: 'auth';
  authToken: string;
}

/**
 * Follow a task's output from `offset`, or a workspace's states (`"*"`: all one may see).
 *
 * A negative `offset` is that many bytes before the end. `window`: unacknowledged bytes the
 * viewer will take. `terminal`: the viewer is a terminal. Of a task that has one it is sent
 * `screen` in place of the output so far, whatever `offset` says (plain `output` from `offset`
 * where there is no snapshot), and `terminal` then and whenever that changes. `resumes`: it shows
 * everything below `offset` already, as one that was cut off does, or one that was there from the
 * start: it goes on with `output` from there, unless that is more than 256 KiB before the end.
 */
export interface Subscribe {
  type: 'subscribe';
  taskId?: string | null;
  workspaceId?: string | null;
  offset?: number;
  window?: number | null;
  terminal?: boolean;
  resumes?: boolean;
}

/** Stop following. */
export interface Unsubscribe {
  type: 'unsubscribe';
  taskId?: string | null;
  workspaceId?: string | null;
}

/** The viewer has rendered everything below `offset`. */
export interface ViewerAck {
  type: 'ack';
  taskId: string;
  offset: number;
}

/**
 * Input from a viewer. Without `offset`: after whatever came before, as typing does.
 *
 * From a viewer that subscribed with `terminal` it makes that viewer the one that controls the
 * terminal. `isReply`: nothing but a terminal's answers to questions of the program; it does not
 * change which viewer controls, and from a viewer that does not control it is dropped.
 */
export interface ViewerInput {
  type: 'input';
  taskId: string;
  offset?: number | null;
  input?: Uint8Array;
  eof?: boolean;
  isReply?: boolean;
}

/**
 * The size that a viewer has room for. More than 1,000 by 500 is read as that.
 *
 * From a viewer that subscribed with `terminal` it is a wish: applied while that viewer controls
 * the terminal, or once it does. `take`: it takes control. From any other viewer it is
 * applied at once.
 */
export interface ViewerResize {
  type: 'resize';
  taskId: string;
  cols: number;
  rows: number;
  take?: boolean;
}

/**
 * The hub's answer to a viewer's `auth`. `time`: now, in µs since 1970 by the hub's clock, by
 * which all times of tasks and workspaces are. `capabilities`: `inputEnd`, see `status`.
 */
export interface ViewerWelcome {
  type: 'welcome';
  userId: string;
  scopes: string[];
  limits: WireLimits;
  time?: number | null;
  capabilities?: string[];
}

/**
 * What a task's terminal shows at `offset`; `output` follows from there.
 *
 * `output`, written to a terminal of `cols` by `rows` that was just reset, makes that state: both
 * screens, the cursor, the modes, and up to 1,000 lines above. It never holds a question.
 */
export interface Screen {
  type: 'screen';
  taskId: string;
  offset: number;
  cols: number;
  rows: number;
  output: Uint8Array;
}

/**
 * A task's terminal has this size from `offset` on. `controls`: its size is this viewer's to
 * set, and this viewer's terminal answers the program's questions; at most one viewer's does.
 */
export interface TerminalState {
  type: 'terminal';
  taskId: string;
  offset: number;
  cols: number;
  rows: number;
  controls: boolean;
}

/**
 * The task as it is now. It is over when `status` is final; output ends at `finalOffset`.
 *
 * `inputEnd`: where its input ends; absent where that is not known yet, and once it is over.
 */
export interface TaskStatusChanged {
  type: 'status';
  taskId: string;
  status: TaskStatus;
  exitCode?: number | null;
  signal?: number | null;
  error?: string | null;
  reason?: string | null;
  finalOffset?: number | null;
  inputEnd?: number | null;
  task?: Task;
}

/**
 * One execution of one command. Times are RFC 3339 in UTC; `env` has the names only.
 *
 * `isCut`: `command`, `args` and `env` are not all of what was asked for, but its beginning.
 * `GET /api/tasks/{id}` has all of it; elsewhere there is at most 1 KiB of command and arguments,
 * and as much of names.
 * `watching`: live connections that followed its output when this was said.
 * `inputRead`: how much of its standard input the command has read, by what its daemon says of a
 * task that is over; null where that is not known, and with a terminal.
 * `usage`: null unless it is running, its daemon is connected, and can measure it.
 * `createdAt`, `startedAt` and `finishedAt` are by the hub's clock, so they can be compared, and
 * stand in this order. `reportedStartedAt` and `reportedFinishedAt` are what the clock of the
 * task's machine said then; null: it said nothing, or the same.
 * `stdin`: `open`, the command reads what is sent as its input; `empty`, it reads the end of input
 * at once. A task with a terminal reads what is typed.
 */
export interface Task {
  id: string;
  workspaceId: string;
  command: string;
  args: string[];
  cwd: string;
  env: string[];
  shell: boolean;
  tty: TerminalSize | null;
  title: string | null;
  status: TaskStatus;
  reason: string | null;
  exitCode: number | null;
  signal: number | null;
  error: string | null;
  createdBy: string;
  createdAt: string;
  startedAt: string | null;
  finishedAt: string | null;
  outputSize: number;
  gaps: GapInfo[];
  timeout: number | null;
  cancelRequested: boolean;
  watching: number;
  isCut: boolean;
  inputRead: number | null;
  usage: ProcessUsage | null;
  reportedStartedAt: string | null;
  reportedFinishedAt: string | null;
  stdin: 'empty' | 'open';
  mergeStderr: boolean;
}

/** Size of a pseudo-terminal in characters. More than 1,000 by 500 is read as that. */
export interface TerminalSize {
  cols: number;
  rows: number;
}

/** Bytes `[start, end)` of a task's output that can never arrive, and why. */
export interface GapInfo {
  from: number;
  to: number;
  reason: string;
}

/**
 * What a running task's processes use together, as its daemon measured it and the hub heard of
 * it at `at`.
 *
 * `cpuSeconds`: processor time so far, also of processes that have ended and were waited for.
 * `cpuShare`: of the last seconds; 1 is one core, all the time. `memoryBytes`: the sum of what
 * each has in memory; what several share is counted by each.
 */
export interface ProcessUsage {
  at: string;
  cpuSeconds: number;
  cpuShare: number;
  memoryBytes: number;
  processes: number;
}

/** The workspace as it is now. */
export interface WorkspaceChanged {
  type: 'workspace';
  workspaceId: string;
  state: string;
  since?: string | null;
  workspace?: Workspace;
}

/**
 * A folder on a machine, as the hub knows it. `roundTripMs` is that of the last heartbeat.
 *
 * `host`, `platform`, `user` and `path` are what its daemon says: claims, by which nothing may be
 * chosen. `owner` is what the hub knows; null: the hub is older than this field.
 */
export interface Workspace {
  id: string;
  name: string;
  state: 'connected' | 'never_connected' | 'unreachable';
  since: string | null;
  host: string | null;
  platform: string | null;
  user: string | null;
  path: string | null;
  version: string | null;
  daemonId: string | null;
  roundTripMs: number | null;
  runningTasks: number;
  queuedTasks: number;
  createdAt: string;
  attention: Attention | null;
  owner: WorkspaceOwner | null;
  daemonChange: DaemonChange | null;
}

/**
 * What a person has to decide about a workspace, and since when. `quarantined`: copies of its
 * daemon kept replacing each other, and none is let in until it is released.
 */
export interface Attention {
  code: 'quarantined';
  since: string;
  text: string;
}

/** The account that a workspace belongs to. */
export interface WorkspaceOwner {
  id: string;
  username: string;
}

/**
 * The last change of a workspace's daemon, and its author. `replaced`: a daemon came after
 * another one. `token`: the name of the API token it was done with. `address`: where the daemon
 * was enrolled from, or where the request came from. `removedAccount`: it was removed together
 * with that account.
 */
export interface DaemonChange {
  what: 'enrolled' | 'released' | 'removed' | 'replaced';
  at: string;
  user: string;
  token: string | null;
  address: string | null;
  removedAccount: string | null;
}

/**
 * The terminal that is asked for with a new task; a larger one is refused. `modes`: settings of
 * its line by their names in RFC 4254, §8 (`{"VERASE": 127}`, 255 for no key); UTF-8 without.
 */
export interface NewTerminal {
  cols: number;
  rows: number;
  modes?: Record<string, number>;
}

/**
 * The size of a task's terminal from `offset` of its output on; `time` is in µs since the
 * task's start.
 */
export interface TerminalSizeChange {
  cols: number;
  rows: number;
  offset: number;
  time: number;
}

/**
 * Every size that a task's terminal has had, the first as it was created. Of more than 1,000
 * some in the middle are left out; the last is always there.
 */
export interface TerminalSizes {
  items: TerminalSizeChange[];
}

/**
 * Body of `POST /api/workspaces/{id}/tasks`. `mergeStderr`: stdout and stderr are one pipe, so
 * that the bytes of both are in the order in which they were written, and all of stdout.
 */
export interface NewTask {
  command: string;
  args?: string[];
  cwd?: string;
  env?: Record<string, string>;
  shell?: boolean;
  tty?: NewTerminal | null;
  timeout?: number | null;
  ifOffline?: 'fail' | 'queue';
  expiresIn?: number | null;
  onSpoolFull?: 'block' | 'drop_middle' | 'kill';
  title?: string | null;
  stdin?: 'empty' | 'open';
  mergeStderr?: boolean;
}

/**
 * The principal of a request: `GET /api/me`. `expiresAt` is the end of the credential in use; a
 * browser's session has `sessionExpiresAt` as well, which is extended by each use.
 */
export interface Principal {
  userId: string;
  username: string;
  role: 'daemon' | 'member' | 'owner';
  scopes: ('admin' | 'daemons:write' | 'tasks:read' | 'tasks:write' | 'workspaces:write')[];
  workspaceId: string | null;
  tokenId: string | null;
  hasPassword: boolean;
  sessionExpiresAt: string | null;
  expiresAt: string | null;
}

/** An account. Without a password it signs in by links. */
export interface User {
  id: string;
  username: string;
  role: 'member' | 'owner';
  hasPassword: boolean;
  createdAt: string;
}

/**
 * A sign-in that waits to be approved (RFC 8628, §3.2). A person opens `verificationUri` and
 * types `userCode`; the program asks with `deviceCode` every `interval` seconds, for at most
 * `expiresIn` seconds.
 */
export interface DeviceCode {
  deviceCode: string;
  userCode: string;
  verificationUri: string;
  verificationUriComplete: string;
  expiresIn: number;
  interval: number;
}

/** The API token of a sign-in that was approved. Its secret is shown this once. */
export interface GrantedToken {
  token: string;
  tokenId: string;
  username: string;
  scopes: ('admin' | 'daemons:write' | 'tasks:read' | 'tasks:write' | 'workspaces:write')[];
  expiresAt: string | null;
}

/**
 * An API token as it is listed; its secret is shown once, when it is made. `madeBy`: the id of
 * the API token that it was made with, and ends with.
 */
export interface Token {
  id: string;
  name: string;
  prefix: string;
  scopes: ('admin' | 'daemons:write' | 'tasks:read' | 'tasks:write' | 'workspaces:write')[];
  workspaceId: string | null;
  createdAt: string;
  expiresAt: string | null;
  lastUsedAt: string | null;
  madeBy: string | null;
}

/**
 * A match in a task's output: the bytes `[offset, offset + length)`, in line `line` (from 1;
 * null: not known, as after a gap). `text[column:column + width]` is the match, or as much of it
 * as fits, counted in Unicode characters; the rest of `text` is of the line around it.
 */
export interface SearchHit {
  offset: number;
  length: number;
  line: number | null;
  text: string;
  column: number;
  width: number;
}

/**
 * Hits in their order. With `nextCursor` there is more to search, though perhaps not to find:
 * send it as `cursor`. No hit before `searchedTo` is missing; the output ended at `end` then.
 */
export interface SearchPage {
  items: SearchHit[];
  nextCursor: string | null;
  searchedTo: number;
  end: number;
}

/**
 * A hub's proof of its identity, for one connection. `signature` (base64url) is made with the
 * private half of `key` over the nonce of the request and the other fields.
 *
 * `authority`: the host that the request was for. `channel`: a hash of the nonce, of both ends of
 * the connection and of this machine, where neither a proxy nor a network is in between.
 */
export interface HubProof {
  hubId: string;
  key: string;
  authority: string;
  channel: string | null;
  signature: string;
}

/**
 * RFC 9457 `application/problem+json`. `error` repeats `code` where RFC 8628 has a say.
 *
 * `retryAfter`: the same as the header `Retry-After`, in seconds.
 */
export interface Problem {
  type?: string;
  title: string;
  status: number;
  detail: string;
  code: string;
  want?: number | null;
  candidates?: string[] | null;
  error?: string | null;
  retryAfter?: number | null;
}

/**
 * The peer of a connection: a user for a viewer, a daemon with its workspace for a daemon.
 *
 * A viewer's `workspaceId` is the one that its credential is limited to.
 */
export interface ConnectionPeer {
  userId: string | null;
  username: string | null;
  daemonId: string | null;
  workspaceId: string | null;
  workspaceName: string | null;
}

/** One live WebSocket connection. The page on the HTTP API defines every field. */
export interface Connection {
  id: string;
  kind: 'daemon' | 'viewer';
  who: ConnectionPeer;
  address: string;
  since: string;
  version: string | null;
  subprotocol: string;
  epoch: number | null;
  roundTripMs: number | null;
  bytesIn: number;
  bytesOut: number;
  messagesIn: number;
  messagesOut: number;
  bytesInPerSecond: number | null;
  bytesOutPerSecond: number | null;
  unacknowledgedBytes: number;
  lagBytes: number;
  lagMs: number | null;
  subscriptions: number;
  reconnects: number | null;
}

/** Oldest first, and all there are. */
export interface ConnectionList {
  items: Connection[];
}

/**
 * A workspace's round trips, one an interval, oldest first, the last one the newest.
 *
 * null where its daemon was not connected, or nothing was measured yet.
 */
export interface RoundTrips {
  workspaceId: string;
  roundTripMs: (number | null)[];
}

/** `interval` is in seconds. A workspace that was not connected lately is not listed. */
export interface RoundTripList {
  interval: number;
  items: RoundTrips[];
}

/** Of the disk that the hub's data is on, and what that data takes; null until it is known. */
export interface DiskSpace {
  freeBytes: number;
  totalBytes: number;
  dataBytes: number | null;
}

/** How many connections there were of each kind. */
export interface ConnectionCounts {
  daemons: number[];
  viewers: number[];
}

/**
 * One column a figure, all equally long, oldest first; null where nothing is known.
 *
 * `time` is in seconds since 1970, as plots want it.
 */
export interface HealthPoints {
  time: number[];
  connections: ConnectionCounts;
  runningTasks: number[];
  bytesInPerSecond: (number | null)[];
  bytesOutPerSecond: (number | null)[];
  fsyncMsP50: (number | null)[];
  fsyncMsMax: (number | null)[];
  loopLagMsMax: (number | null)[];
  commitQueue: number[];
  unflushedBytes: number[];
  memoryBytes: (number | null)[];
  descriptors: (number | null)[];
  cpuPercent: (number | null)[];
}

/** The hub and its last hour. `interval` is that of the points, in seconds. */
export interface Health {
  version: string;
  python: string;
  sqlite: string;
  platform: string;
  startedAt: string;
  now: string;
  interval: number;
  descriptorLimit: number | null;
  disk: DiskSpace;
  points: HealthPoints;
}

/**
 * A browser that is signed in. `current`: the one that asks. `userAgent` is what it says of
 * itself; `lastSeenAt` is exact to a minute.
 */
export interface BrowserSession {
  id: string;
  createdAt: string;
  lastSeenAt: string;
  expiresAt: string;
  address: string | null;
  userAgent: string | null;
  current: boolean;
}

/** A new account; `link` is shown this once. */
export interface CreatedUser {
  id: string;
  username: string;
  role: 'member' | 'owner';
  hasPassword: boolean;
  createdAt: string;
  link: SignInLink | null;
}

/** A link that signs its bearer in, once. `url` opens the page with it. */
export interface SignInLink {
  link: string;
  url: string;
  expiresAt: string;
}

/** `scopes` may only be fewer than were asked for. */
export interface DeviceDecision {
  userCode: string;
  approve: boolean;
  scopes?: ('admin' | 'daemons:write' | 'tasks:read' | 'tasks:write' | 'workspaces:write')[] | null;
}

/**
 * Who asks, from where, for what. `clientName` and `hostname` are claims, `address` is not.
 * The code ends at `expiresAt`; the token lives `tokenExpiresIn` seconds, or until revoked.
 */
export interface DeviceInfo {
  userCode: string;
  clientName: string;
  hostname: string | null;
  address: string;
  scopes: ('admin' | 'daemons:write' | 'tasks:read' | 'tasks:write' | 'workspaces:write')[];
  tokenExpiresIn: number | null;
  requestedAt: string;
  expiresAt: string;
}

/** Without `password` the answer has a link that signs the new account in, once. */
export interface NewUser {
  username: string;
  role?: 'member' | 'owner';
  password?: string | null;
}

/**
 * What is left out stays. For a new password of one's own, `currentPassword` is needed as well,
 * unless the account has none yet. Name and role are for owners.
 */
export interface UserChanges {
  username?: string | null;
  role?: 'member' | 'owner' | null;
  password?: string | null;
  currentPassword?: string | null;
}

/** A token with its secret, which is shown this once. */
export interface CreatedToken {
  id: string;
  name: string;
  prefix: string;
  scopes: ('admin' | 'daemons:write' | 'tasks:read' | 'tasks:write' | 'workspaces:write')[];
  workspaceId: string | null;
  createdAt: string;
  expiresAt: string | null;
  lastUsedAt: string | null;
  madeBy: string | null;
  secret: string;
}

/**
 * What serves a workspace. Times are RFC 3339 in UTC. `rotationRequestedAt` is there until the
 * daemon has stored the token that was asked for then.
 */
export interface Daemon {
  id: string;
  workspaceId: string;
  connected: boolean;
  host: string | null;
  platform: string | null;
  user: string | null;
  path: string | null;
  version: string | null;
  createdAt: string;
  lastConnectedAt: string | null;
  lastSeenAt: string | null;
  rotationRequestedAt: string | null;
  tokenRotatedAt: string | null;
}

/** `expiresIn` in seconds; without it the token lives until it is revoked. */
export interface NewToken {
  name: string;
  scopes: ('admin' | 'daemons:write' | 'tasks:read' | 'tasks:write' | 'workspaces:write')[];
  workspaceId?: string | null;
  expiresIn?: number | null;
}

/** Whether the hub can do its work, and if not why. */
export interface Readiness {
  ready: boolean;
  checks: Record<string, Check>;
  reasons: string[];
}

/** One thing that has to be right. `reason` says what is not. */
export interface Check {
  ok: boolean;
  reason: string | null;
}

export type DaemonToHub =
  | DaemonAuth
  | Output
  | Gap
  | Status
  | InputAck
  | Resized
  | Usage
  | Rotated
  | Heartbeat;

export type HubToDaemon =
  | DaemonWelcome
  | Command
  | Input
  | Resize
  | Cancel
  | Ack
  | Rotate
  | ErrorMessage
  | Heartbeat;

export type ViewerToHub =
  | ViewerAuth
  | Subscribe
  | Unsubscribe
  | ViewerAck
  | ViewerInput
  | ViewerResize
  | Cancel
  | Heartbeat;

export type HubToViewer =
  | ViewerWelcome
  | Output
  | Gap
  | Screen
  | TerminalState
  | TaskStatusChanged
  | WorkspaceChanged
  | InputAck
  | Heartbeat
  | ErrorMessage;
