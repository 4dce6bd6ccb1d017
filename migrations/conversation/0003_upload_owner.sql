-- Which device announced an upload, `user.device`: what nobody names yet counts against it, and against nobody else.
ALTER TABLE objects ADD COLUMN announced_by TEXT;
