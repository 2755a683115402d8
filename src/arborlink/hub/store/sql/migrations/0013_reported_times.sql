-- Times of a task are by the hub's clock; when it started by its daemon's is kept beside.
ALTER TABLE tasks ADD COLUMN reported_started_at INTEGER;

DROP VIEW task_rows;
CREATE VIEW task_rows AS
SELECT id, workspace_id, command, args, cwd, env, shell, tty, title, timeout, on_spool_full, stdin,
  status, created_by, created_at, expires_at, started_at, finished_at, reason, exit_code, signal,
  error, output_size, gaps, cancel_requested, instance_id, log_id, is_cut, reported_started_at,
  reported_finished_at, input_read
FROM tasks;
