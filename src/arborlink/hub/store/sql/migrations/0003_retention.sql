-- Retention goes through the tasks that are over in the order in which they ended.
CREATE INDEX tasks_finished ON tasks (max(finished_at, created_at), id, workspace_id, status)
  WHERE finished_at IS NOT NULL;
