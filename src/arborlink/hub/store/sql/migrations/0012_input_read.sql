-- How much of its standard input a command has read, for whoever sent it and could not know.
ALTER TABLE tasks ADD COLUMN input_read INTEGER;

DROP VIEW task_rows;
CREATE VIEW task_rows AS
SELECT id, workspace_id, command, args, cwd, env, shell, tty, title, timeout, on_spool_full, stdin,
  status, created_by, created_at, expires_at, started_at, finished_at, reason, exit_code, signal,
  error, output_size, gaps, cancel_requested, instance_id, log_id, is_cut, reported_finished_at,
  input_read
FROM tasks;
