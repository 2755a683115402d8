-- A daemon's token is replaced while it works: what it was offered is good until one of these is
-- used or confirmed, and so is the token that it has.
ALTER TABLE daemons ADD COLUMN rotation_requested_at INTEGER;
ALTER TABLE daemons ADD COLUMN token_rotated_at INTEGER;

CREATE TABLE offered_tokens (
  rotation_id TEXT PRIMARY KEY,
  daemon_id TEXT NOT NULL REFERENCES daemons (id) ON DELETE CASCADE,
  token_hash BLOB NOT NULL UNIQUE CHECK (length(token_hash) = 32),
  offered_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX offered_tokens_by_daemon ON offered_tokens (daemon_id);

DROP VIEW daemon_rows;
CREATE VIEW daemon_rows AS
SELECT id, workspace_id, token_hash, created_by, created_at, rotation_requested_at, token_rotated_at
FROM daemons;

CREATE VIEW offered_token_rows AS
SELECT rotation_id, daemon_id, token_hash, offered_at FROM offered_tokens;
