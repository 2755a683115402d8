-- What an API token makes names it in `made_by` and is deleted with it, by whatever statement.
ALTER TABLE tokens ADD COLUMN made_by TEXT REFERENCES tokens (id) ON DELETE CASCADE;
CREATE INDEX tokens_by_maker ON tokens (made_by) WHERE made_by IS NOT NULL;
ALTER TABLE sessions ADD COLUMN made_by TEXT REFERENCES tokens (id) ON DELETE CASCADE;
CREATE INDEX sessions_by_maker ON sessions (made_by) WHERE made_by IS NOT NULL;
ALTER TABLE sign_in_links ADD COLUMN made_by TEXT REFERENCES tokens (id) ON DELETE CASCADE;
CREATE INDEX sign_in_links_by_maker ON sign_in_links (made_by) WHERE made_by IS NOT NULL;
ALTER TABLE enrolments ADD COLUMN made_by TEXT REFERENCES tokens (id) ON DELETE CASCADE;
CREATE INDEX enrolments_by_maker ON enrolments (made_by) WHERE made_by IS NOT NULL;

-- `ends_at`: no use makes a session live longer. `confirmed_at` is NULL where a session is older
-- than this column. `expires_at` was 30 days after the last use.
ALTER TABLE sessions ADD COLUMN ends_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN confirmed_at INTEGER;
UPDATE sessions SET ends_at = expires_at + 60 * 86400000000;

DROP VIEW token_rows;
CREATE VIEW token_rows AS
SELECT id, user_id, name, prefix, secret_hash, scopes, created_at, workspace_id, expires_at,
  last_used_at, made_by
FROM tokens;

DROP VIEW session_rows;
CREATE VIEW session_rows AS
SELECT id, user_id, secret_hash, created_at, expires_at, ends_at, last_seen_at, address, user_agent,
  confirmed_at, made_by,
  (SELECT tokens.expires_at FROM tokens WHERE tokens.id = sessions.made_by) AS maker_expires_at
FROM sessions;

-- Before this, `workspaces:write` was enough to admit and remove daemons: tokens that could, can.
UPDATE tokens SET scopes = json_insert(scopes, '$[#]', 'daemons:write')
WHERE EXISTS (SELECT 1 FROM json_each(tokens.scopes) WHERE value IN ('workspaces:write', 'admin'));

-- The last change of a workspace's daemon, for its owner to see.
ALTER TABLE workspaces ADD COLUMN daemon_change TEXT;
ALTER TABLE workspaces ADD COLUMN had_daemon INTEGER NOT NULL DEFAULT 0 CHECK (had_daemon IN (0, 1));
UPDATE workspaces SET had_daemon = 1 WHERE daemon_id IS NOT NULL OR last_connected_at IS NOT NULL;

DROP VIEW workspace_rows;
CREATE VIEW workspace_rows AS
SELECT workspaces.id, name, owner_id, users.username AS owner_name, workspaces.created_at, daemon_id,
  instance_id, epoch, host, version, last_connected_at, last_seen_at, quarantined_at, daemon_change,
  had_daemon
FROM workspaces JOIN users ON users.id = owner_id;

-- What was not over when a daemon took over from another one. It was meant for that other machine.
CREATE TABLE handed_over_tasks (
  workspace_id TEXT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
  task_id TEXT NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
  PRIMARY KEY (workspace_id, task_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX handed_over_tasks_by_task ON handed_over_tasks (task_id);

CREATE INDEX daemons_by_creator ON daemons (created_by);

-- A code that was made with less than `daemons:write` admits a workspace's first daemon alone.
ALTER TABLE enrolments ADD COLUMN first_only INTEGER NOT NULL DEFAULT 0
  CHECK (first_only IN (0, 1));
