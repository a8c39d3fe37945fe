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
