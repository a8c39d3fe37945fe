import { createHash } from "node:crypto";

/**
 * Names one browser page's origin without keeping its address: gateways note the open legacy sockets under it, and apis
 * look there for the session of a client that names none.
 */
export function legacyFingerprint(address: string, userAgent: string | undefined, origin: string | undefined): string {
  return createHash("sha256")
    .update(`${address}|${userAgent ?? ""}|${origin ?? ""}`)
    .digest("hex")
    .slice(0, 32);
}

/** How a node notes that its page has open sockets on a session. Other nodes note theirs beside it. */
export function legacyNote(session: string, node: string): string {
  return `${session} ${node}`;
}

/** The sessions that such notes tell of. */
export function notedSessions(notes: readonly string[]): string[] {
  return [...new Set(notes.map((note) => note.replace(/ .*/s, "")))];
}
