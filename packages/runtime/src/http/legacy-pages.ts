import { createHash } from "node:crypto";

/**
 * Names one browser page's origin without keeping its address: gateways note the open legacy sockets under it, and apis
 * look there for the session of a client that names none.
 */
export function legacyFingerprint(address: string, userAgent: string | undefined, origin: string | undefined): string {
  return hashed(`${address}|${userAgent ?? ""}|${origin ?? ""}`);
}

/**
 * Tells pages of one fingerprint apart by the `Authorization` that they send with every command: `/auth/login` gives each browser
 * another one. The mark cannot be used to sign in.
 */
export function pageTag(authorization: string | undefined): string {
  return authorization === undefined ? untagged : hashed(authorization);
}

/** The mark of a page that sends no `Authorization`. */
export const untagged = "-";

/** Whether a session is of the old page that tries models: it never sends `/mode`, so a request without an id never means it. */
export function isModelTestSession(session: string): boolean {
  return session.startsWith("model-test-");
}

/** How a node notes that its page has open sockets on a session. Other nodes note theirs beside it. */
export function legacySocketEntry(session: string, node: string): string {
  return `${session} ${node}`;
}

/** The sessions that such notes tell of. */
export function sessionsOfEntries(notes: readonly string[]): string[] {
  return [...new Set(notes.map((note) => note.replace(/ .*/s, "")))];
}

/** How an api notes that a page has commanded a session by its id. */
export function legacyCommandEntry(session: string, mark: string): string {
  return `${session} ${mark}`;
}

/** The marks of the pages that have commanded each session, as such notes tell. */
export function tagsBySession(notes: readonly string[]): Map<string, Set<string>> {
  const marks = new Map<string, Set<string>>();
  for (const note of notes) {
    const [session = "", mark = ""] = note.split(" ");
    marks.set(session, (marks.get(session) ?? new Set()).add(mark));
  }
  return marks;
}

/** Notes of pages live as long as the page has an open socket, and so much longer. */
export const legacyEntryTtlMs = 45_000;

function hashed(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 32);
}
