-- Two copies of a daemon replaced each other: neither is let in until a person has decided.
ALTER TABLE workspaces ADD COLUMN quarantined_at INTEGER;

DROP VIEW workspace_rows;
CREATE VIEW workspace_rows AS
SELECT id, name, owner_id, created_at, daemon_id, instance_id, epoch, host, version,
  last_connected_at, last_seen_at, quarantined_at
FROM workspaces;
