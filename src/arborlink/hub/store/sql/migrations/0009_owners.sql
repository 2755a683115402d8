-- A workspace is shown with its owner's name; and the tasks of one creator are read through an index,
-- so that one's own are found however many others make.
DROP VIEW workspace_rows;
CREATE VIEW workspace_rows AS
SELECT workspaces.id, name, owner_id, users.username AS owner_name, workspaces.created_at, daemon_id,
  instance_id, epoch, host, version, last_connected_at, last_seen_at, quarantined_at
FROM workspaces JOIN users ON users.id = owner_id;

CREATE INDEX tasks_by_creator ON tasks (created_by, id, workspace_id, status);
