-- Of what a task was asked to run, its row has the beginning. What is longer is whole in a table of
-- its own: a row is read and written again for every change of its status, and read for every list.
ALTER TABLE tasks ADD COLUMN is_cut INTEGER NOT NULL DEFAULT 0 CHECK (is_cut IN (0, 1));

CREATE TABLE task_requests (
  task_id TEXT PRIMARY KEY REFERENCES tasks (id) ON DELETE CASCADE,
  command TEXT NOT NULL,
  args TEXT NOT NULL,
  env TEXT NOT NULL
) STRICT;
INSERT INTO task_requests (task_id, command, args, env)
SELECT id, command, args, env FROM tasks
WHERE octet_length(command) + octet_length(args) + octet_length(env) > 1024;

-- At most 1 KiB of command and arguments, and as much of names of variables, as `task_head.py` does.
UPDATE tasks SET
  is_cut = 1,
  command = substr(command, 1, 128),
  args = (
    SELECT json_group_array(value) FROM (
      SELECT value, sum(octet_length(value) + 1) OVER (ORDER BY key) AS total FROM json_each(args)
    ) WHERE total <= 512
  ),
  env = (
    SELECT json_group_object(key, '') FROM (
      SELECT key, sum(octet_length(key) + 1) OVER (ORDER BY id) AS total FROM json_each(env)
    ) WHERE total <= 1024
  )
WHERE id IN (SELECT task_id FROM task_requests);

DROP VIEW task_rows;
CREATE VIEW task_rows AS
SELECT id, workspace_id, command, args, cwd, env, shell, tty, title, timeout, on_spool_full, stdin,
  status, created_by, created_at, expires_at, started_at, finished_at, reason, exit_code, signal,
  error, output_size, gaps, cancel_requested, instance_id, log_id, is_cut
FROM tasks;

-- Counts are read from the index alone; the next task that waits is found without reading the rest.
DROP INDEX tasks_unfinished;
CREATE INDEX tasks_unfinished ON tasks (workspace_id, id, instance_id)
  WHERE status IN ('pending', 'running');
CREATE INDEX tasks_waiting ON tasks (workspace_id, id)
  WHERE status = 'pending' AND instance_id IS NULL;
