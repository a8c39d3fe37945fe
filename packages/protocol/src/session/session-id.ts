import { z } from "zod";

/** The first path segments that name an action. A session id cannot be one of them. */
export const actionNames = [
  "start",
  "pause",
  "resume",
  "stop",
  "speed",
  "pace",
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

/** The form of all session ids, including `global`, which clients may watch but not create. */
export const sessionIdPattern = /^[A-Za-z0-9_][A-Za-z0-9_.:-]{0,99}$/;

export function isSessionId(text: string): boolean {
  return sessionIdPattern.test(text) && !reserved.has(text);
}

/** An id that a client may choose in `POST /sessions/create`. */
export const newSessionId = z
  .string()
  .refine(
    (text) => isSessionId(text) && text !== globalSessionId,
    "must match [A-Za-z0-9_][A-Za-z0-9_.:-]{0,99} and not be the name of an action, create, stats or global",
  );
