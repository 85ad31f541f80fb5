-- $1: its name. $2: the SHA-256 of its text, in hex. $3: when it is applied.
INSERT INTO migrations (name, sha256, applied_at) VALUES ($1, $2, $3)
