/** Why the server closes a socket, and whether a client should reconnect. The server decides that here, once for all clients. */
export const closeCodes = {
  1001: { name: "going away", reconnect: "at once" },
  1008: { name: "origin not allowed", reconnect: "never" },
  1009: { name: "message too large", reconnect: "never" },
  1012: { name: "restarting", reconnect: "at once, with the resume token" },
  4400: { name: "malformed", reconnect: "never" },
  4401: { name: "token missing or no longer good", reconnect: "with a fresh token" },
  4403: { name: "not this session's owner", reconnect: "never" },
  4404: { name: "session deleted or expired", reconnect: "never" },
  4408: { name: "too slow", reconnect: "with backoff" },
  4429: { name: "limit exceeded", reconnect: "with backoff" },
} as const;
export type CloseCode = keyof typeof closeCodes;

/** Close reasons of 4404, the only code whose reason tells programs more than the code does. */
export const sessionGoneReasons = { deleted: "session deleted", expired: "session expired" } as const;
