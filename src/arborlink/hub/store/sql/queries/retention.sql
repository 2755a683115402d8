-- name: finished_tasks
-- The tasks that were over by a time, the first of them first.
SELECT id, workspace_id, row_bytes FROM tasks INDEXED BY tasks_finished
WHERE finished_at <= :before AND status NOT IN ('pending', 'running')
ORDER BY finished_at, id LIMIT :limit;

-- name: finished_tasks_of_workspace
-- The tasks of a workspace that are over, the first of them first.
SELECT id, workspace_id, row_bytes FROM tasks INDEXED BY tasks_finished_by_workspace
WHERE workspace_id = :workspace AND finished_at IS NOT NULL
  AND status NOT IN ('pending', 'running')
ORDER BY finished_at, id LIMIT :limit;

-- name: workspaces_of_tasks
-- Which of some ids are tasks', and of which workspaces.
SELECT id, workspace_id FROM tasks WHERE id IN (SELECT value FROM json_each(:ids));

-- name: usage
-- What the rows of every workspace that has had tasks take, and whose they are.
SELECT workspace_id, owner_id, tasks, unfinished, bytes
FROM workspace_usage JOIN workspaces ON workspaces.id = workspace_id;

-- name: unfinished_of_owner
-- How many tasks are not over in all workspaces of the account that has this one.
SELECT coalesce(sum(unfinished), 0)
FROM workspaces JOIN workspace_usage ON workspace_usage.workspace_id = workspaces.id
WHERE owner_id = (SELECT owner_id FROM workspaces WHERE id = :workspace);

-- name: delete_tasks
-- Tasks that are over, with all that is kept of them here.
DELETE FROM tasks WHERE id IN (SELECT value FROM json_each(:ids))
  AND status NOT IN ('pending', 'running')
RETURNING id;

-- name: delete_some_of_workspace
-- Some tasks of a workspace that are over, with all that is kept of them here.
DELETE FROM tasks WHERE id IN (
  SELECT id FROM tasks INDEXED BY tasks_finished_by_workspace
  WHERE workspace_id = :workspace AND finished_at IS NOT NULL
    AND status NOT IN ('pending', 'running')
  LIMIT :limit
) RETURNING id;

-- name: forget_variables
-- Values of variables of tasks that were over by a time.
DELETE FROM task_variables WHERE task_id IN (
  SELECT task_id FROM task_variables INDEXED BY task_variables_settled
  WHERE settled_at <= :before ORDER BY settled_at LIMIT :limit
) RETURNING task_id;

-- name: forget_keys
-- Keys whose time is over make room.
DELETE FROM idempotency_keys WHERE expires_at <= :now;
