-- The sizes that a task's terminal has had, each from an offset of its output and a time (µs since
-- the task's start) on. The first is the one it was created with. `tasks.tty` is the last of them.
CREATE TABLE terminal_sizes (
  task_id TEXT NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
  from_offset INTEGER NOT NULL CHECK (from_offset >= 0),
  from_time INTEGER NOT NULL CHECK (from_time >= 0),
  cols INTEGER NOT NULL CHECK (cols > 0),
  rows INTEGER NOT NULL CHECK (rows > 0),
  PRIMARY KEY (task_id, from_offset, from_time)
) STRICT, WITHOUT ROWID;
