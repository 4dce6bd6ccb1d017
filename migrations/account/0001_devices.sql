-- Devices of one user. Rows are never deleted, so that a device_id is never given twice.
CREATE TABLE devices (
  device_id INTEGER PRIMARY KEY,
  installation_id TEXT NOT NULL,
  name TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  -- Tokens carry family and generation under the server's MAC: nothing stored here lets anybody in.
  refresh_family TEXT NOT NULL,
  refresh_generation INTEGER NOT NULL,
  refreshed_at INTEGER NOT NULL,
  revoked_at INTEGER,
  -- What the user's Inbox has still to be told about this device.
  inbox_duty TEXT CHECK (inbox_duty IN ('add', 'revoke')),
  duty_attempts INTEGER NOT NULL DEFAULT 0
) STRICT;
