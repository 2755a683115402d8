-- name: facts
-- What the database says about itself.
SELECT key, value FROM meta;

-- name: copy
-- Every row, written anew into a file that is not there yet.
VACUUM INTO :path;

-- name: forget_values
-- Values of variables of tasks that were started or are over: they are not started again.
DELETE FROM task_variables WHERE task_id NOT IN (SELECT id FROM tasks WHERE status = 'pending');

-- name: snapshot_tasks
-- All tasks, and whether each is over and had output.
SELECT id, output_size > 0 AND status NOT IN ('pending', 'running') FROM tasks ORDER BY id;

-- name: remove_task
-- A task whose output was removed while it was to be copied.
DELETE FROM tasks WHERE id = :id;

-- name: quick_check
-- Whether the file is whole.
PRAGMA quick_check(1);

-- name: forget_hub_id
-- The next one who opens it gets an identity of its own.
DELETE FROM meta WHERE key = 'hub_id';

-- name: remember_newest_task
-- Every later one was made after the copy; ids are ordered by time.
INSERT OR REPLACE INTO meta (key, value)
SELECT 'restored_after', COALESCE(MAX(id), 'tsk_') FROM tasks;
