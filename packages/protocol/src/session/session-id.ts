import { z } from "zod";

/** First path segments that name an action; a session cannot be called by one of them. */
export const actionNames = [
  "start",
  "pause",
  "resume",
  "stop",
  "speed",
  "goback",
  "seek",
  "step",
  "range",
  "live",
  "order",
  "state",
] as const;
export type ActionName = (typeof actionNames)[number];

/** The session that clients without a session id share. */
export const globalSessionId = "global";

const reserved = new Set<string>([...actionNames, "create", "stats"]);

/** An id that names a session on the wire: also `global`, which clients may watch but not create by name. */
export const sessionIdPattern = /^[A-Za-z0-9_][A-Za-z0-9_.:-]{0,99}$/;

export function isSessionId(text: string): boolean {
  return sessionIdPattern.test(text) && !reserved.has(text);
}

/** An id that a client may bring to `POST /sessions/create`. */
export const newSessionId = z
  .string()
  .refine(
    (text) => isSessionId(text) && text !== globalSessionId,
    "must match [A-Za-z0-9_][A-Za-z0-9_.:-]{0,99} and not be the name of an action, create, stats or global",
  );
