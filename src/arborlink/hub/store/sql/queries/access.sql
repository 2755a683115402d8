-- name: user
-- One account.
SELECT * FROM user_rows WHERE id = :id;

-- name: user_by_name
-- The account somebody signs in to; case does not matter.
SELECT * FROM user_rows WHERE username = :username COLLATE NOCASE;

-- name: owner
-- The first owner.
SELECT * FROM user_rows WHERE role = 'owner' ORDER BY id LIMIT 1;

-- name: add_user
-- A new account.
INSERT INTO users (id, username, role, password_hash, created_at)
VALUES (:id, :username, :role, :password_hash, :created_at);

-- name: users
-- All accounts, by name.
SELECT * FROM user_rows ORDER BY username COLLATE NOCASE;

-- name: set_password
-- Another password, or none.
UPDATE users SET password_hash = :password_hash WHERE id = :id;

-- name: update_user
-- Another name, another role, or both.
UPDATE users SET username = coalesce(:username, username), role = coalesce(:role, role)
WHERE id = :id;

-- name: count_owners
-- How many could still manage this hub.
SELECT count(*) FROM users WHERE role = 'owner';

-- name: delete_user
-- An account, with its tokens, sessions and links.
DELETE FROM users WHERE id = :id;

-- name: names_of_workspaces
-- Somebody's workspaces.
SELECT id, name FROM workspaces WHERE owner_id = :owner_id ORDER BY id;

-- name: pass_on_workspace
-- A workspace gets another owner, and the name that it has there.
UPDATE workspaces SET owner_id = :owner_id, name = :name WHERE id = :id;

-- name: daemons_of_user
-- The daemons that an account enrolled, and those of its workspaces; some are both.
SELECT id, workspace_id FROM daemons WHERE created_by = :user_id
UNION ALL
SELECT daemon_id, id FROM workspaces WHERE owner_id = :user_id AND daemon_id IS NOT NULL;

-- name: delete_enrolments_by
-- Codes that somebody made.
DELETE FROM enrolments WHERE created_by = :user_id;

-- name: token_by_hash
-- The token with this secret.
SELECT * FROM token_rows WHERE secret_hash = :secret_hash;

-- name: tokens
-- Somebody's tokens, oldest first.
SELECT * FROM token_rows WHERE user_id = :user_id ORDER BY id;

-- name: count_tokens
-- How many one account has.
SELECT count(*) FROM tokens WHERE user_id = :user_id;

-- name: forget_tokens
-- An account's tokens whose time is over make room.
DELETE FROM tokens WHERE user_id = :user_id AND expires_at <= :now;

-- name: add_token
-- A new API token.
INSERT INTO tokens (
  id, user_id, name, prefix, secret_hash, scopes, workspace_id, created_at, expires_at,
  last_used_at, made_by
) VALUES (
  :id, :user_id, :name, :prefix, :secret_hash, :scopes, :workspace_id, :created_at, :expires_at,
  :last_used_at, :made_by
);

-- name: count_makers
-- The token that makes another one, the one that made that, and so on.
WITH RECURSIVE makers (id) AS (
  SELECT :made_by
  UNION ALL
  SELECT tokens.made_by FROM makers JOIN tokens ON tokens.id = makers.id
  WHERE tokens.made_by IS NOT NULL
)
SELECT count(*) FROM makers;

-- name: delete_token
-- Revokes a token, if it is this user's.
DELETE FROM tokens WHERE id = :id AND user_id = :user_id;

-- name: note_token_used
-- When a token was last used.
UPDATE tokens SET last_used_at = :at WHERE id = :id;

-- name: session_by_hash
-- The browser session with this secret.
SELECT * FROM session_rows WHERE secret_hash = :secret_hash;

-- name: sessions
-- Somebody's browsers, newest first.
SELECT * FROM session_rows WHERE user_id = :user_id AND expires_at > :now ORDER BY id DESC;

-- name: add_session
-- Somebody signed in; nothing happens when the account is gone or its password another one by now.
INSERT INTO sessions (
  id, user_id, secret_hash, created_at, expires_at, ends_at, last_seen_at, address, user_agent,
  confirmed_at, made_by
)
SELECT
  :id, id, :secret_hash, :created_at, :expires_at, :ends_at, :last_seen_at, :address, :user_agent,
  :confirmed_at, :made_by
FROM users
WHERE id = :user_id AND (:password_hash IS NULL OR password_hash = :password_hash);

-- name: confirm_session
-- Its user proved who they are; nothing happens when the password is another one by now.
UPDATE sessions SET
  confirmed_at = :confirmed_at,
  expires_at = min(expires_at, :ends_at),
  ends_at = :ends_at,
  made_by = :made_by
WHERE id = :session_id AND (
  :password_hash IS NULL
  OR :password_hash = (SELECT password_hash FROM users WHERE users.id = sessions.user_id)
);

-- name: note_session_used
-- A session that is used lives on.
UPDATE sessions SET last_seen_at = :at, expires_at = min(:expires_at, ends_at) WHERE id = :id;

-- name: delete_session
-- Somebody signed out.
DELETE FROM sessions WHERE id = :id;

-- name: delete_sessions
-- Somebody signed out everywhere, but for one session if that is named.
DELETE FROM sessions WHERE user_id = :user_id AND id IS NOT :keep;

-- name: keep_sessions
-- Of an account's sessions but the newest one, those that were used last stay.
DELETE FROM sessions WHERE user_id = :user_id AND id <> :id AND id NOT IN (
  SELECT id FROM sessions WHERE user_id = :user_id AND id <> :id
  ORDER BY coalesce(last_seen_at, created_at) DESC, id DESC LIMIT :kept
);

-- name: forget_sessions
-- Sessions whose time is over.
DELETE FROM sessions WHERE expires_at <= :now;

-- name: add_sign_in_link
-- A link that signs its bearer in, once.
INSERT INTO sign_in_links (code_hash, user_id, expires_at, made_by)
VALUES (:code_hash, :user_id, :expires_at, :made_by);

-- name: take_sign_in_link
-- The link is used up by reading it.
DELETE FROM sign_in_links WHERE code_hash = :code_hash
RETURNING user_id, expires_at, made_by,
  (SELECT tokens.expires_at FROM tokens WHERE tokens.id = sign_in_links.made_by);

-- name: keep_sign_in_links
-- Of an account's links, the newest stay.
DELETE FROM sign_in_links WHERE user_id = :user_id AND code_hash NOT IN (
  SELECT code_hash FROM sign_in_links WHERE user_id = :user_id
  ORDER BY expires_at DESC LIMIT :kept
);

-- name: delete_sign_in_links
-- Links of an account.
DELETE FROM sign_in_links WHERE user_id = :user_id;

-- name: forget_sign_in_links
-- Links whose time is over.
DELETE FROM sign_in_links WHERE expires_at <= :now;

-- name: add_enrolment
-- A code that lets one daemon serve one workspace.
INSERT INTO enrolments (code_hash, workspace_id, created_by, expires_at, made_by, first_only)
VALUES (:code_hash, :workspace_id, :created_by, :expires_at, :made_by, :first_only);

-- name: count_enrolments
-- How many codes an account has made that were not used, and when the first of them ends.
SELECT count(*), min(expires_at) FROM enrolments WHERE created_by = :created_by;

-- name: take_enrolment
-- The code is used up by reading it.
DELETE FROM enrolments WHERE code_hash = :code_hash
RETURNING workspace_id, created_by, expires_at, first_only,
  (SELECT username FROM users WHERE users.id = enrolments.created_by),
  (SELECT name FROM tokens WHERE tokens.id = enrolments.made_by);

-- name: forget_enrolments
-- Codes whose time is over.
DELETE FROM enrolments WHERE expires_at <= :now;

-- name: daemon
-- One daemon.
SELECT * FROM daemon_rows WHERE id = :id;

-- name: daemon_by_hash
-- The daemon with this token.
SELECT * FROM daemon_rows WHERE token_hash = :token_hash;

-- name: add_daemon
-- A daemon that was enrolled.
INSERT INTO daemons (id, workspace_id, token_hash, created_by, created_at)
VALUES (:id, :workspace_id, :token_hash, :created_by, :created_at);

-- name: delete_daemon
-- A daemon's token is worth nothing from now on.
DELETE FROM daemons WHERE id = :id;

-- name: request_rotation
-- A daemon is to have another token; asking twice is asking once.
UPDATE daemons SET rotation_requested_at = coalesce(rotation_requested_at, :now) WHERE id = :id;

-- name: offered_token
-- The offer of this token.
SELECT * FROM offered_token_rows WHERE token_hash = :token_hash;

-- name: forget_offers
-- Those that are too old, and the oldest beyond so many.
DELETE FROM offered_tokens WHERE daemon_id = :daemon_id AND (
  offered_at <= :since OR rotation_id NOT IN (
    SELECT rotation_id FROM offered_tokens WHERE daemon_id = :daemon_id
    ORDER BY rotation_id DESC LIMIT :kept
  )
);

-- name: offer_token
-- A token that a daemon may use from now on.
INSERT INTO offered_tokens (rotation_id, daemon_id, token_hash, offered_at)
VALUES (:rotation_id, :daemon_id, :token_hash, :offered_at);

-- name: settle_rotation
-- The token that was offered is the daemon's own, and the one before is worth nothing.
UPDATE daemons SET
  token_hash = (SELECT token_hash FROM offered_tokens WHERE rotation_id = :rotation_id),
  rotation_requested_at = NULL,
  token_rotated_at = :now
WHERE id = (
  SELECT daemon_id FROM offered_tokens
  WHERE rotation_id = :rotation_id AND daemon_id = :daemon_id AND offered_at > :since
);

-- name: withdraw_offers
-- What was offered later may have been stored by now: the daemon says so next.
DELETE FROM offered_tokens WHERE daemon_id = :daemon_id AND rotation_id <= :rotation_id;
