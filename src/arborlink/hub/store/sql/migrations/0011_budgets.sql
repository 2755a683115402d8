-- How many tasks of an account wait is asked before another one of its tasks has to.
CREATE INDEX tasks_waiting_by ON tasks (created_by)
  WHERE status = 'pending' AND instance_id IS NULL;

-- How many codes for daemons an account has made is asked before it gets another one.
CREATE INDEX enrolments_by_user ON enrolments (created_by, expires_at);
