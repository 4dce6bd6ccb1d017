-- What a commit or a leave says beside its body: generation, and blobs that are named or sealed, as JSON.
ALTER TABLE entries ADD COLUMN extra TEXT;
ALTER TABLE conversation ADD COLUMN suite TEXT NOT NULL DEFAULT 'x_wing';
-- Where the present generation was founded, so that a repeat of that call finds its answer.
ALTER TABLE conversation ADD COLUMN founded_seq INTEGER NOT NULL DEFAULT 1;
-- MLS objects by their hash. Small ones with their bytes; of large ones, which lie in R2, the row is there before the bytes.
CREATE TABLE objects (
  hash TEXT PRIMARY KEY,
  size INTEGER NOT NULL,
  bytes BLOB,
  is_stored INTEGER NOT NULL,
  -- Named by an entry of the log: stays as long as that does.
  is_logged INTEGER NOT NULL,
  announced_at INTEGER NOT NULL
);
-- One row: what a joiner by external commit needs, of the present epoch.
CREATE TABLE group_info (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  group_info BLOB NOT NULL,
  tree_hash TEXT NOT NULL,
  commit_seq INTEGER NOT NULL
);
-- A Welcome for all that one commit added. `awaiting`: who has not come yet, as JSON {"user.device": fetched}.
CREATE TABLE welcomes (
  seq INTEGER PRIMARY KEY,
  generation INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  inviter_id TEXT NOT NULL,
  inviter_device INTEGER NOT NULL,
  welcome_hash TEXT NOT NULL,
  tree_hash TEXT NOT NULL,
  awaiting TEXT NOT NULL
);
