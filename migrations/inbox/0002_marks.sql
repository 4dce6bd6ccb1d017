-- [F9] Conversations of which a device lacks more than is held for it here: it reads the rest from the log.
CREATE TABLE marks (
  device_id INTEGER NOT NULL,
  conversation_id TEXT NOT NULL,
  PRIMARY KEY (device_id, conversation_id)
) WITHOUT ROWID;
