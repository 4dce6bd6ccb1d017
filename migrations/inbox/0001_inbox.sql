-- What a device has not acknowledged [D2]. WITHOUT ROWID: an entry held for a device costs one row.
CREATE TABLE held (
  device_id INTEGER NOT NULL,
  conversation_id TEXT NOT NULL,
  seq INTEGER NOT NULL,
  log_id TEXT NOT NULL,
  mac TEXT,
  entry TEXT NOT NULL,
  PRIMARY KEY (device_id, conversation_id, seq)
) WITHOUT ROWID;
CREATE TABLE conversations (
  conversation_id TEXT PRIMARY KEY,
  kind TEXT NOT NULL,
  last_activity_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE devices (
  device_id INTEGER PRIMARY KEY,
  -- Null while active. After revoking, the last conversation that was told; 'done' when all were.
  revoked_after TEXT
);
-- Reports whose call to the Conversation failed; the alarm repeats them.
CREATE TABLE failed_reports (
  conversation_id TEXT NOT NULL,
  device_id INTEGER NOT NULL,
  acked INTEGER NOT NULL,
  read INTEGER NOT NULL,
  PRIMARY KEY (conversation_id, device_id)
) WITHOUT ROWID;
CREATE TABLE store (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  store_id TEXT NOT NULL
);
