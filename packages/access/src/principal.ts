import { z } from "zod";

/** View, also create and control one's own sessions, or everything. `session-permissions.ts` has the rules. */
export const role = z.enum(["viewer", "controller", "admin"]);
export type Role = z.infer<typeof role>;

/** Who a request or socket acts for, from its token. */
export interface Principal {
  /** The token's `sub`, which owns sessions. Empty with authentication off, and for the holder of a share link. */
  readonly userId: string;
  readonly role: Role;
  /** When the token expires, in ms since 1970; Infinity with authentication off. */
  readonly expiresMs: number;
  /** The only session that the holder of a share link may access. */
  readonly share?: Share;
}

export interface Share {
  readonly id: string;
  readonly sessionId: string;
  /** Creation time of the shared session, since its id may later belong to another session. */
  readonly createdAt: number;
}

/** Everyone, with authentication off: may do everything. */
export const anonymous: Principal = { userId: "", role: "admin", expiresMs: Number.POSITIVE_INFINITY };
