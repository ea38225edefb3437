"""What the log is made of, free of clock, database and keys: tree, note, leaf, Ed25519."""
