-- name: facts
-- All of them.
SELECT key, value FROM meta;

-- name: meta
-- One fact.
SELECT value FROM meta WHERE key = :key;

-- name: set_meta
-- Writes a fact, over what it was.
INSERT INTO meta (key, value) VALUES (:key, :value)
ON CONFLICT (key) DO UPDATE SET value = excluded.value;

-- name: rewrite_needed
-- Whether the file still has what earlier versions deleted.
SELECT value FROM meta WHERE key = 'rewrite_needed';

-- name: is_rewritten
-- It has not.
DELETE FROM meta WHERE key = 'rewrite_needed';
