-- Whether a task's stdout and stderr are one pipe.
ALTER TABLE tasks ADD COLUMN merge_stderr INTEGER NOT NULL DEFAULT 0
  CHECK (merge_stderr IN (0, 1));

-- With the column.
DROP VIEW task_rows;
CREATE VIEW task_rows AS
SELECT id, workspace_id, command, args, cwd, env, shell, tty, title, timeout, on_spool_full, stdin,
  status, created_by, created_at, expires_at, started_at, finished_at, reason, exit_code, signal,
  error, output_size, gaps, cancel_requested, instance_id, log_id, is_cut, reported_started_at,
  reported_finished_at, input_read, merge_stderr
FROM tasks;
