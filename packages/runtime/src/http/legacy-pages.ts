import { createHash } from "node:crypto";

/*
 * How nodes recognise the browser pages of legacy clients, which name no session in some requests. Gateways record a page's open sockets, and
 * apis the sessions that it commands, as entries of sorted sets in Redis.
 */

/** Identifies where a page comes from without storing its address: the key under which nodes keep the page's entries. */
export function legacyFingerprint(address: string, userAgent: string | undefined, origin: string | undefined): string {
  return hashed(`${address}|${userAgent ?? ""}|${origin ?? ""}`);
}

/**
 * Distinguishes pages with the same fingerprint by the `Authorization` that they send with every command: `/auth/login` gives each browser
 * its own. The tag cannot be used to sign in.
 */
export function pageTag(authorization: string | undefined): string {
  return authorization === undefined ? untagged : hashed(authorization);
}

/** The tag of pages that send no `Authorization`. */
export const untagged = "-";

/** Whether a session belongs to the legacy page that tests models: it never sends `/mode`, so a request without an id is not about it. */
export function isModelTestSession(session: string): boolean {
  return session.startsWith("model-test-");
}

/** Records that a page has open sockets on a session at this node. Other nodes have their own entries. */
export function legacySocketEntry(session: string, node: string): string {
  return `${session} ${node}`;
}

/** The sessions of such entries. */
export function sessionsOfEntries(entries: readonly string[]): string[] {
  return [...new Set(entries.map((entry) => entry.replace(/ .*/s, "")))];
}

/** Records that a page has commanded a session by its id. */
export function legacyCommandEntry(session: string, tag: string): string {
  return `${session} ${tag}`;
}

/** The tags of the pages that have commanded each session, from such entries. */
export function tagsBySession(entries: readonly string[]): Map<string, Set<string>> {
  const tags = new Map<string, Set<string>>();
  for (const entry of entries) {
    const [session = "", tag = ""] = entry.split(" ");
    tags.set(session, (tags.get(session) ?? new Set()).add(tag));
  }
  return tags;
}

/** Entries live as long as the page has an open socket, and this much longer. */
export const legacyEntryTtlMs = 45_000;

function hashed(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 32);
}
