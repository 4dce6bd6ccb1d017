-- [E6] What others need to add a device to a group. A one-time package that was handed out stays as its hash until it
-- expires, without its bytes: uploaded once more, it must not be handed out twice.
CREATE TABLE key_packages (
  id INTEGER PRIMARY KEY,
  hash TEXT NOT NULL UNIQUE,
  device_id INTEGER NOT NULL,
  suite TEXT NOT NULL,
  is_last_resort INTEGER NOT NULL,
  -- Milliseconds since 1970.
  not_after INTEGER NOT NULL,
  package BLOB
) STRICT;
CREATE INDEX key_packages_of_device ON key_packages (device_id, suite, is_last_resort, id);
-- Token buckets that must outlive hibernation.
CREATE TABLE buckets (
  name TEXT PRIMARY KEY,
  tokens REAL NOT NULL,
  at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
-- Name and picture, sealed under a key that the server does not have.
CREATE TABLE profile (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  sealed BLOB NOT NULL
) STRICT;
