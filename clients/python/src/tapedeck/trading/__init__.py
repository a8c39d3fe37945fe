"""Orders of a session on its tape."""
