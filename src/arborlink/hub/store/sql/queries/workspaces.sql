-- name: workspace
-- One workspace.
SELECT * FROM workspace_rows WHERE id = :id;

-- name: workspaces
-- All workspaces by name.
SELECT * FROM workspace_rows ORDER BY name, id;

-- name: workspaces_of_owner
-- The workspaces of one account, by name.
SELECT * FROM workspace_rows WHERE owner_id = :owner ORDER BY name;

-- name: workspace_names
-- Ids and names of all workspaces, by name.
SELECT id, name FROM workspaces ORDER BY name, id;

-- name: workspace_names_of_owner
-- The same, of one account's.
SELECT id, name FROM workspaces WHERE owner_id = :owner ORDER BY name;

-- name: count_workspaces_of_owner
-- How many one account has.
SELECT count(*) FROM workspaces WHERE owner_id = :owner;

-- name: count_workspaces
-- How many there are.
SELECT count(*) FROM workspaces;

-- name: add_workspace
-- A new workspace.
INSERT INTO workspaces (
  id, name, owner_id, created_at, daemon_id, instance_id, epoch, host, version, last_connected_at,
  last_seen_at
) VALUES (
  :id, :name, :owner_id, :created_at, :daemon_id, :instance_id, :epoch, :host, :version,
  :last_connected_at, :last_seen_at
);

-- name: rename_workspace
-- Another name.
UPDATE workspaces SET name = :name WHERE id = :id;

-- name: delete_workspace
-- The workspace; its tasks, daemon, codes and tokens go with it.
DELETE FROM workspaces WHERE id = :id;

-- name: accept_daemon
-- A daemon's new connection: its epoch fences the older ones.
UPDATE workspaces SET
  epoch = epoch + 1, instance_id = :instance_id, host = :host, version = :version,
  last_connected_at = :now
WHERE id = :id
RETURNING epoch;

-- name: daemon_disconnected
-- When the connection of this epoch was last heard of.
UPDATE workspaces SET last_seen_at = :now WHERE id = :id AND epoch = :epoch;

-- name: set_daemon
-- Which daemon serves the workspace; null: none. Another one was never quarantined.
UPDATE workspaces SET
  daemon_id = :daemon_id,
  quarantined_at = NULL,
  daemon_change = :change,
  had_daemon = had_daemon OR :daemon_id IS NOT NULL
WHERE id = :id;

-- name: forget_handed_over
-- Those of an earlier time: each is over, or is noted again.
DELETE FROM handed_over_tasks WHERE workspace_id = :id;

-- name: note_handed_over
-- What is not over was meant for another daemon.
INSERT INTO handed_over_tasks (workspace_id, task_id)
SELECT workspace_id, id FROM tasks
WHERE workspace_id = :id AND status IN ('pending', 'running');

-- name: any_task
-- Whether the workspace has a task.
SELECT 1 FROM tasks WHERE workspace_id = :id LIMIT 1;

-- name: quarantine_daemon
-- Since when no copy of this daemon is let in; the first time counts.
UPDATE workspaces SET quarantined_at = coalesce(quarantined_at, :now)
WHERE id = :id AND daemon_id = :daemon_id;

-- name: release_daemon
-- Let the daemon in again.
UPDATE workspaces SET quarantined_at = NULL, daemon_change = :change WHERE id = :id;
