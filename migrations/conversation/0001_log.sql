-- The log [L1]: a rowid table without secondary index, so that an entry costs one row.
CREATE TABLE entries (
  seq INTEGER PRIMARY KEY,
  message_id TEXT NOT NULL,
  sender_id TEXT NOT NULL,
  device_id INTEGER NOT NULL,
  kind TEXT NOT NULL,
  silent INTEGER NOT NULL,
  sent_at INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  roster_change TEXT,
  body BLOB NOT NULL
);
-- One row: which log this is, the epoch, and the roster as JSON.
CREATE TABLE conversation (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  kind TEXT NOT NULL,
  log_id TEXT NOT NULL,
  former_log_ids TEXT NOT NULL,
  generation INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  roster TEXT NOT NULL
);
-- One packed row: cursors per device, watermarks per member.
CREATE TABLE progress (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  packed TEXT NOT NULL
);
