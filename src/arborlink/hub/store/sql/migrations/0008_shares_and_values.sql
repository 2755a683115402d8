-- A task ends at a time that the hub believes: what a daemon reports of it is kept beside, where it
-- cannot be true. Later than now, or before the task was made or started, is never true.
ALTER TABLE tasks ADD COLUMN reported_finished_at INTEGER;
UPDATE tasks SET
  started_at = max(min(started_at, CAST(unixepoch('subsec') * 1000000 AS INTEGER)), created_at)
WHERE started_at IS NOT NULL;
UPDATE tasks SET
  reported_finished_at = finished_at,
  finished_at = max(
    min(finished_at, CAST(unixepoch('subsec') * 1000000 AS INTEGER)),
    created_at, coalesce(started_at, created_at)
  )
WHERE finished_at > CAST(unixepoch('subsec') * 1000000 AS INTEGER)
  OR finished_at < created_at OR finished_at < started_at;

-- The values of a task's variables are in a table of their own, from which they go a while after its
-- end. `tasks` and `task_requests` have the names, each with an empty text.
CREATE TABLE task_variables (
  task_id TEXT PRIMARY KEY REFERENCES tasks (id) ON DELETE CASCADE,
  env TEXT NOT NULL,
  settled_at INTEGER
) STRICT;
CREATE INDEX task_variables_settled ON task_variables (settled_at) WHERE settled_at IS NOT NULL;
INSERT INTO task_variables (task_id, env, settled_at)
SELECT tasks.id, coalesce(whole.env, tasks.env),
  CASE WHEN tasks.status NOT IN ('pending', 'running')
    THEN coalesce(tasks.finished_at, tasks.created_at) END
FROM tasks LEFT JOIN task_requests AS whole ON whole.task_id = tasks.id
WHERE coalesce(whole.env, tasks.env) <> '{}';
UPDATE tasks SET env = (SELECT json_group_object(key, '') FROM json_each(env)) WHERE env <> '{}';
UPDATE task_requests SET env = (SELECT json_group_object(key, '') FROM json_each(env))
WHERE env <> '{}';

-- What a task's rows take, roughly: its texts, and 1 KiB for all else and the indexes.
ALTER TABLE tasks ADD COLUMN row_bytes INTEGER NOT NULL DEFAULT 1024;
UPDATE tasks SET row_bytes = 1024
  + octet_length(command) + octet_length(args) + octet_length(env) + octet_length(gaps)
  + coalesce(octet_length(title), 0) + coalesce(octet_length(error), 0)
  + coalesce((SELECT octet_length(text) FROM task_texts WHERE task_id = tasks.id), 0)
  + coalesce((SELECT octet_length(env) FROM task_variables WHERE task_id = tasks.id), 0)
  + coalesce((
      SELECT octet_length(command) + octet_length(args) + octet_length(env)
      FROM task_requests WHERE task_id = tasks.id
    ), 0);

-- The sums of it, kept by triggers: to count a million rows takes longer than a request may.
CREATE TABLE workspace_usage (
  workspace_id TEXT PRIMARY KEY REFERENCES workspaces (id) ON DELETE CASCADE,
  tasks INTEGER NOT NULL,
  unfinished INTEGER NOT NULL,
  bytes INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO workspace_usage (workspace_id, tasks, unfinished, bytes)
SELECT workspace_id, count(*), sum(status IN ('pending', 'running')), sum(row_bytes)
FROM tasks GROUP BY workspace_id;

CREATE TRIGGER task_added AFTER INSERT ON tasks BEGIN
  INSERT INTO workspace_usage (workspace_id, tasks, unfinished, bytes)
  VALUES (NEW.workspace_id, 1, NEW.status IN ('pending', 'running'), NEW.row_bytes)
  ON CONFLICT (workspace_id) DO UPDATE SET
    tasks = tasks + 1, unfinished = unfinished + excluded.unfinished, bytes = bytes + excluded.bytes;
END;
CREATE TRIGGER task_changed AFTER UPDATE OF status, row_bytes ON tasks
WHEN OLD.status <> NEW.status OR OLD.row_bytes <> NEW.row_bytes BEGIN
  UPDATE workspace_usage SET
    unfinished = unfinished
      + (NEW.status IN ('pending', 'running')) - (OLD.status IN ('pending', 'running')),
    bytes = bytes + NEW.row_bytes - OLD.row_bytes
  WHERE workspace_id = NEW.workspace_id;
END;
CREATE TRIGGER task_removed AFTER DELETE ON tasks BEGIN
  UPDATE workspace_usage SET
    tasks = tasks - 1,
    unfinished = unfinished - (OLD.status IN ('pending', 'running')),
    bytes = bytes - OLD.row_bytes
  WHERE workspace_id = OLD.workspace_id;
END;

-- Retention goes through the tasks that are over in the order in which they ended: all of them by
-- age, those of one workspace for room.
DROP INDEX tasks_finished;
CREATE INDEX tasks_finished ON tasks (finished_at, id, status) WHERE finished_at IS NOT NULL;
CREATE INDEX tasks_finished_by_workspace ON tasks (workspace_id, finished_at, id, status)
  WHERE finished_at IS NOT NULL;

DROP VIEW task_rows;
CREATE VIEW task_rows AS
SELECT id, workspace_id, command, args, cwd, env, shell, tty, title, timeout, on_spool_full, stdin,
  status, created_by, created_at, expires_at, started_at, finished_at, reason, exit_code, signal,
  error, output_size, gaps, cancel_requested, instance_id, log_id, is_cut, reported_finished_at
FROM tasks;

-- What was deleted before is still in the file's free parts: the hub writes the file anew, once.
-- Not a new one, which has no facts yet; one from a backup has some, if not all.
INSERT INTO meta (key, value) SELECT 'rewrite_needed', '1' WHERE EXISTS (SELECT 1 FROM meta);
