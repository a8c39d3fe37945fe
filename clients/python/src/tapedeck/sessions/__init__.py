"""One session: its connection, its frames, its commands and its events."""
