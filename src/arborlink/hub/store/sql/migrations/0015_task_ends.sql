-- People name a task by the end of its id, which is looked up here: the beginning is the time.
CREATE INDEX tasks_by_end ON tasks (substr(id, -4), id);
