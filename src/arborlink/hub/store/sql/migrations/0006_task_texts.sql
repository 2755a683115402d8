-- What a listing's search looks through has a table of its own. In the task's row it came after the
-- arguments, so that a search read the arguments of every task to skip them.
CREATE TABLE task_texts (
  task_id TEXT PRIMARY KEY REFERENCES tasks (id) ON DELETE CASCADE,
  text TEXT NOT NULL
) STRICT;
INSERT INTO task_texts (task_id, text) SELECT id, search_text FROM tasks;
ALTER TABLE tasks DROP COLUMN search_text;
