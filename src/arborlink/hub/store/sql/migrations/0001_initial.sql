-- Who, what and when. Times are µs since 1970; lists and maps are JSON; secrets are SHA-256 hashes.
-- A view `<name>_rows` has the columns of the Python row of that name, in the order of its fields.

-- Facts about this database: hub_id, generation, and what was consumed once.
CREATE TABLE meta (
  key TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE users (
  id TEXT PRIMARY KEY,
  username TEXT NOT NULL UNIQUE COLLATE NOCASE,
  role TEXT NOT NULL CHECK (role IN ('owner', 'member')),
  password_hash TEXT,
  created_at INTEGER NOT NULL
) STRICT;

-- One folder on one machine. `epoch` only ever grows: it fences connections, across daemons too.
CREATE TABLE workspaces (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  owner_id TEXT NOT NULL REFERENCES users (id),
  created_at INTEGER NOT NULL,
  daemon_id TEXT UNIQUE,
  instance_id TEXT,
  epoch INTEGER NOT NULL DEFAULT 0 CHECK (epoch >= 0),
  host TEXT,
  version TEXT,
  last_connected_at INTEGER,
  last_seen_at INTEGER,
  UNIQUE (owner_id, name)
) STRICT;

CREATE TABLE daemons (
  id TEXT PRIMARY KEY,
  workspace_id TEXT NOT NULL UNIQUE REFERENCES workspaces (id) ON DELETE CASCADE,
  token_hash BLOB NOT NULL UNIQUE CHECK (length(token_hash) = 32),
  created_by TEXT NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE enrolments (
  code_hash BLOB PRIMARY KEY CHECK (length(code_hash) = 32),
  workspace_id TEXT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
  created_by TEXT NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX enrolments_by_workspace ON enrolments (workspace_id);

CREATE TABLE tokens (
  id TEXT PRIMARY KEY,
  user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  prefix TEXT NOT NULL,
  secret_hash BLOB NOT NULL UNIQUE CHECK (length(secret_hash) = 32),
  scopes TEXT NOT NULL,
  workspace_id TEXT REFERENCES workspaces (id) ON DELETE CASCADE,
  created_at INTEGER NOT NULL,
  expires_at INTEGER,
  last_used_at INTEGER
) STRICT;
CREATE INDEX tokens_by_user ON tokens (user_id, id);
CREATE INDEX tokens_by_workspace ON tokens (workspace_id) WHERE workspace_id IS NOT NULL;

CREATE TABLE sessions (
  id TEXT PRIMARY KEY,
  user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  secret_hash BLOB NOT NULL UNIQUE CHECK (length(secret_hash) = 32),
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX sessions_by_user ON sessions (user_id);

CREATE TABLE sign_in_links (
  code_hash BLOB PRIMARY KEY CHECK (length(code_hash) = 32),
  user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- One execution of one command. `search_text` is what a listing's search looks through.
CREATE TABLE tasks (
  id TEXT PRIMARY KEY,
  workspace_id TEXT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
  command TEXT NOT NULL,
  args TEXT NOT NULL,
  cwd TEXT NOT NULL,
  env TEXT NOT NULL,
  shell INTEGER NOT NULL CHECK (shell IN (0, 1)),
  tty TEXT,
  title TEXT,
  timeout REAL,
  on_spool_full TEXT NOT NULL,
  stdin TEXT NOT NULL,
  status TEXT NOT NULL CHECK (
    status IN ('pending', 'running', 'completed', 'failed', 'cancelled', 'lost', 'expired')
  ),
  created_by TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER,
  started_at INTEGER,
  finished_at INTEGER,
  reason TEXT,
  exit_code INTEGER,
  signal INTEGER,
  error TEXT,
  output_size INTEGER NOT NULL DEFAULT 0 CHECK (output_size >= 0),
  gaps TEXT NOT NULL DEFAULT '[]',
  cancel_requested INTEGER NOT NULL DEFAULT 0 CHECK (cancel_requested IN (0, 1)),
  instance_id TEXT,
  log_id TEXT,
  search_text TEXT NOT NULL
) STRICT;
-- Listings filter on these columns alone, so that skipping a task never reads its arguments.
CREATE INDEX tasks_listed ON tasks (id, workspace_id, status);
CREATE INDEX tasks_by_workspace ON tasks (workspace_id, id, status);
CREATE INDEX tasks_unfinished ON tasks (workspace_id, id) WHERE status IN ('pending', 'running');
CREATE INDEX tasks_expiring ON tasks (expires_at)
  WHERE status = 'pending' AND instance_id IS NULL AND expires_at IS NOT NULL;

-- Requests that were answered already (`Idempotency-Key`).
CREATE TABLE idempotency_keys (
  user_id TEXT NOT NULL,
  key TEXT NOT NULL,
  body_hash BLOB NOT NULL,
  task_id TEXT NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
  expires_at INTEGER NOT NULL,
  PRIMARY KEY (user_id, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_keys_by_expiry ON idempotency_keys (expires_at);
CREATE INDEX idempotency_keys_by_task ON idempotency_keys (task_id);

CREATE VIEW task_rows AS
SELECT id, workspace_id, command, args, cwd, env, shell, tty, title, timeout, on_spool_full, stdin,
  status, created_by, created_at, expires_at, started_at, finished_at, reason, exit_code, signal,
  error, output_size, gaps, cancel_requested, instance_id, log_id
FROM tasks;

CREATE VIEW workspace_rows AS
SELECT id, name, owner_id, created_at, daemon_id, instance_id, epoch, host, version,
  last_connected_at, last_seen_at
FROM workspaces;

CREATE VIEW user_rows AS
SELECT id, username, role, created_at, password_hash FROM users;

CREATE VIEW token_rows AS
SELECT id, user_id, name, prefix, secret_hash, scopes, created_at, workspace_id, expires_at,
  last_used_at
FROM tokens;

CREATE VIEW session_rows AS
SELECT id, user_id, secret_hash, created_at, expires_at FROM sessions;

CREATE VIEW daemon_rows AS
SELECT id, workspace_id, token_hash, created_by, created_at FROM daemons;
