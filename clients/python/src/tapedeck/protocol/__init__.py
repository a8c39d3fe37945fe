"""The rules of a session's connection as values and pure functions: no socket, no timer, no clock."""
