-- name: task
-- One task.
SELECT * FROM task_rows WHERE id = :id;

-- fragment: is_wanted
-- What every page of tasks is narrowed by. What is sought is looked for in the texts of those that
-- are left: first its start, then all of it.
    AND (:statuses IS NULL OR status IN (SELECT value FROM json_each(:statuses)))
    AND (:start IS NULL OR EXISTS (
      SELECT 1 FROM task_texts WHERE task_id = tasks.id
        AND CASE
          WHEN NOT instr(text, :start) THEN 0 WHEN :is_whole THEN 1
          ELSE text_matches(CAST(text AS BLOB)) END
    ))

-- name: tasks
-- A page of tasks, newest first; the filter is answered from an index before any row is read.
SELECT * FROM task_rows WHERE id IN (
  SELECT id FROM tasks INDEXED BY tasks_listed
  WHERE id < :before
    AND (:workspaces IS NULL OR workspace_id IN (SELECT value FROM json_each(:workspaces)))
    -- include: is_wanted
  ORDER BY id DESC LIMIT :limit
) ORDER BY id DESC;

-- name: tasks_of_workspace
-- The same page when there is one workspace, through its own index.
SELECT * FROM task_rows WHERE id IN (
  SELECT id FROM tasks INDEXED BY tasks_by_workspace
  WHERE workspace_id = :workspace
    AND id < :before
    -- include: is_wanted
  ORDER BY id DESC LIMIT :limit
) ORDER BY id DESC;

-- name: tasks_of_creator
-- The same page when one account made them, through its own index.
SELECT * FROM task_rows WHERE id IN (
  SELECT id FROM tasks INDEXED BY tasks_by_creator
  WHERE created_by = :created_by
    AND id < :before
    AND (:workspaces IS NULL OR workspace_id IN (SELECT value FROM json_each(:workspaces)))
    -- include: is_wanted
  ORDER BY id DESC LIMIT :limit
) ORDER BY id DESC;

-- name: tasks_that_end
-- The same page of tasks whose id ends with a text, found by its last four characters.
SELECT * FROM task_rows WHERE id IN (
  SELECT id FROM tasks INDEXED BY tasks_by_end
  WHERE substr(id, -4) = substr(:part, -4)
    AND substr(id, -length(:part)) = :part
    AND id < :before
    AND (:created_by IS NULL OR created_by = :created_by)
    AND (:workspaces IS NULL OR workspace_id IN (SELECT value FROM json_each(:workspaces)))
    -- include: is_wanted
  ORDER BY id DESC LIMIT :limit
) ORDER BY id DESC;

-- name: tasks_that_begin
-- The same page of tasks whose id begins with a text: a range of ids.
SELECT * FROM task_rows WHERE id IN (
  SELECT id FROM tasks
  WHERE id >= :part
    AND id < :part || '~'
    AND id < :before
    AND (:created_by IS NULL OR created_by = :created_by)
    AND (:workspaces IS NULL OR workspace_id IN (SELECT value FROM json_each(:workspaces)))
    -- include: is_wanted
  ORDER BY id DESC LIMIT :limit
) ORDER BY id DESC;

-- name: task_request
-- What a task was asked to run: beside its row if that is too small for it. Where the values of
-- its variables are gone, there are the names, each with an empty text.
SELECT coalesce(whole.command, tasks.command), coalesce(whole.args, tasks.args),
  coalesce(given.env, whole.env, tasks.env), given.task_id IS NULL AND tasks.env <> '{}'
FROM tasks LEFT JOIN task_requests AS whole ON whole.task_id = tasks.id
  LEFT JOIN task_variables AS given ON given.task_id = tasks.id
WHERE tasks.id = :id;

-- name: next_waiting_task
-- The oldest task that waits for the workspace's daemon.
SELECT * FROM task_rows WHERE id = (
  SELECT id FROM tasks INDEXED BY tasks_waiting
  WHERE workspace_id = :workspace AND status = 'pending' AND instance_id IS NULL
  ORDER BY id LIMIT 1
);

-- name: unfinished_tasks
-- What is not over in a workspace, oldest first.
SELECT * FROM task_rows
WHERE status IN ('pending', 'running') AND workspace_id = :workspace
ORDER BY id;

-- name: task_counts
-- How many unfinished tasks a workspace's daemon has, and how many wait for it.
SELECT count(instance_id), count(*) - count(instance_id) FROM tasks
WHERE workspace_id = :workspace AND status IN ('pending', 'running');

-- name: queued_by
-- How many tasks of an account wait, in all workspaces.
SELECT count(*) FROM tasks INDEXED BY tasks_waiting_by
WHERE created_by = :user_id AND status = 'pending' AND instance_id IS NULL;

-- name: task_counts_by_workspace
-- The same for every workspace that has any.
SELECT workspace_id, count(instance_id), count(*) - count(instance_id)
FROM tasks INDEXED BY tasks_unfinished
WHERE status IN ('pending', 'running') GROUP BY workspace_id;

-- name: all_task_counts
-- The same, over all workspaces.
SELECT count(instance_id), count(*) - count(instance_id)
FROM tasks INDEXED BY tasks_unfinished
WHERE status IN ('pending', 'running');

-- name: handed_over_tasks
-- What was meant for an earlier daemon of the workspace and is not over, oldest first.
SELECT * FROM task_rows
WHERE id IN (SELECT task_id FROM handed_over_tasks WHERE workspace_id = :workspace)
AND status IN ('pending', 'running')
ORDER BY id;

-- name: expired_tasks
-- Tasks that waited too long for their daemon, those first that waited longest beyond it.
SELECT * FROM task_rows WHERE id IN (
  SELECT id FROM tasks INDEXED BY tasks_expiring
  WHERE status = 'pending' AND instance_id IS NULL AND expires_at <= :now
  ORDER BY expires_at LIMIT :limit
);

-- name: known_tasks
-- Which of some ids are tasks'.
SELECT id FROM tasks WHERE id IN (SELECT value FROM json_each(:ids));

-- name: add_task
-- A new task, as it was asked for.
INSERT INTO tasks (
  id, workspace_id, command, args, cwd, env, shell, tty, title, timeout, on_spool_full, stdin,
  status, created_by, created_at, expires_at, started_at, finished_at, reason, exit_code, signal,
  error, output_size, gaps, cancel_requested, instance_id, log_id, is_cut,
  reported_started_at, reported_finished_at, input_read, merge_stderr, row_bytes
) VALUES (
  :id, :workspace_id, :command, :args, :cwd, :env, :shell, :tty, :title, :timeout, :on_spool_full,
  :stdin, :status, :created_by, :created_at, :expires_at, :started_at, :finished_at, :reason,
  :exit_code, :signal, :error, :output_size, :gaps, :cancel_requested, :instance_id, :log_id,
  :is_cut, :reported_started_at, :reported_finished_at, :input_read, :merge_stderr, :row_bytes
);

-- name: add_task_request
-- What a task was asked to run, where its row is too small for it.
INSERT INTO task_requests (task_id, command, args, env) VALUES (:id, :command, :args, :env);

-- name: add_task_variables
-- The values of a task's variables, until a while after its end.
INSERT INTO task_variables (task_id, env) VALUES (:id, :env);

-- name: settle_variables
-- From when on it is counted how long they are kept.
UPDATE task_variables SET settled_at = :at WHERE task_id = :id;

-- name: add_task_text
-- What a search of the task looks through.
INSERT INTO task_texts (task_id, text) VALUES (:id, :text);

-- name: live_key
-- What a key was used for, unless its time is over.
SELECT body_hash, task_id FROM idempotency_keys
WHERE user_id = :user_id AND key = :key AND expires_at > :now;

-- name: key
-- What a key was used for.
SELECT body_hash, task_id FROM idempotency_keys WHERE user_id = :user_id AND key = :key;

-- name: count_keys
-- How many keys an account has.
SELECT count(*) FROM idempotency_keys WHERE user_id = :user_id;

-- name: add_key
-- A key and the task it made.
INSERT INTO idempotency_keys (user_id, key, body_hash, task_id, expires_at)
VALUES (:user_id, :key, :body_hash, :task_id, :expires_at);

-- name: dispatch_task
-- To which supervisor instance the task goes.
UPDATE tasks SET instance_id = :instance_id WHERE id = :id;

-- name: set_task_log
-- The identity of the task's output log.
UPDATE tasks SET log_id = :log_id WHERE id = :id;

-- name: transition_task
-- A transition that the lifecycle's table allowed, with what it brings; nulls change nothing.
UPDATE tasks SET
  status = :status,
  started_at = coalesce(:started_at, started_at),
  log_id = coalesce(:log_id, log_id),
  finished_at = coalesce(:finished_at, finished_at),
  reason = coalesce(:reason, reason),
  exit_code = coalesce(:exit_code, exit_code),
  signal = coalesce(:signal, signal),
  error = coalesce(:error, error),
  output_size = coalesce(:output_size, output_size),
  gaps = coalesce(:gaps, gaps),
  reported_started_at = coalesce(:reported_started_at, reported_started_at),
  reported_finished_at = coalesce(:reported_finished_at, reported_finished_at),
  input_read = coalesce(:input_read, input_read),
  row_bytes = row_bytes + coalesce(octet_length(:error), 0) + coalesce(octet_length(:gaps), 0)
WHERE id = :id;

-- name: resize_task
-- The size that the task's terminal has now.
UPDATE tasks SET tty = :tty WHERE id = :id;

-- name: terminal_sizes
-- All sizes that the task's terminal has had, in order.
SELECT from_offset, from_time, cols, rows FROM terminal_sizes WHERE task_id = :task_id
ORDER BY from_offset, from_time;

-- name: add_terminal_size
-- One of them.
INSERT INTO terminal_sizes (task_id, from_offset, from_time, cols, rows)
VALUES (:task_id, :from_offset, :from_time, :cols, :rows);

-- name: place_of_terminal_size
-- How many sizes there are, where the last of them is, and whether there is one at this place.
SELECT
  (SELECT count(*) FROM terminal_sizes WHERE task_id = :task_id),
  last.from_offset,
  last.from_time,
  EXISTS (
    SELECT 1 FROM terminal_sizes
    WHERE task_id = :task_id AND from_offset = :from_offset AND from_time = :from_time
  )
FROM (SELECT 1) LEFT JOIN (
  SELECT from_offset, from_time FROM terminal_sizes WHERE task_id = :task_id
  ORDER BY from_offset DESC, from_time DESC LIMIT 1
) AS last;

-- name: remove_last_terminal_size
-- A later one takes its place.
DELETE FROM terminal_sizes
WHERE task_id = :task_id AND (from_offset, from_time) = (
  SELECT from_offset, from_time FROM terminal_sizes WHERE task_id = :task_id
  ORDER BY from_offset DESC, from_time DESC LIMIT 1
);

-- name: grow_task_row
-- More of the database is taken by the task.
UPDATE tasks SET row_bytes = row_bytes + :bytes WHERE id = :id;

-- name: request_cancel
-- Somebody wants the task cancelled.
UPDATE tasks SET cancel_requested = 1 WHERE id = :id;
