-- Alarms in a row that left something undone: what the back-off counts from, across hibernation [F5] [F10].
ALTER TABLE store ADD COLUMN failed_alarms INTEGER NOT NULL DEFAULT 0;
