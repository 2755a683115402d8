-- name: workspaces
-- A workspace went. `of`: its owner.
CREATE TEMP TRIGGER workspace_removed AFTER DELETE ON main.workspaces BEGIN
  SELECT note_removed('workspace', old.id, old.owner_id);
END;

-- name: users
-- An account went.
CREATE TEMP TRIGGER user_removed AFTER DELETE ON main.users BEGIN
  SELECT note_removed('user', old.id, old.id);
END;

-- name: tokens
-- An API token went. `of`: its user.
CREATE TEMP TRIGGER token_removed AFTER DELETE ON main.tokens BEGIN
  SELECT note_removed('token', old.id, old.user_id);
END;

-- name: sessions
-- A browser's session went. `of`: its user.
CREATE TEMP TRIGGER session_removed AFTER DELETE ON main.sessions BEGIN
  SELECT note_removed('session', old.id, old.user_id);
END;

-- name: daemons
-- A daemon went. `of`: its workspace.
CREATE TEMP TRIGGER daemon_removed AFTER DELETE ON main.daemons BEGIN
  SELECT note_removed('daemon', old.id, old.workspace_id);
END;

-- name: tasks
-- A task went. `of`: its workspace. Of those that go with their workspace only what is not over is
-- named, which is bounded; the others are covered by the workspace.
CREATE TEMP TRIGGER task_removed AFTER DELETE ON main.tasks
WHEN old.status IN ('pending', 'running')
  OR EXISTS (SELECT 1 FROM main.workspaces WHERE id = old.workspace_id)
BEGIN
  SELECT note_removed('task', old.id, old.workspace_id);
END;
