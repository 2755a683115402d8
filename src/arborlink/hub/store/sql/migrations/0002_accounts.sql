-- What a list of one's browsers shows: when each was last seen, from where, and what it says it is.
ALTER TABLE sessions ADD COLUMN last_seen_at INTEGER;
ALTER TABLE sessions ADD COLUMN address TEXT;
ALTER TABLE sessions ADD COLUMN user_agent TEXT;

DROP VIEW session_rows;
CREATE VIEW session_rows AS
SELECT id, user_id, secret_hash, created_at, expires_at, last_seen_at, address, user_agent
FROM sessions;
