import { z } from "zod";

/** What someone may do: look, control what is theirs, or everything. */
export const role = z.enum(["viewer", "controller", "admin"]);
export type Role = z.infer<typeof role>;

/** Who asks, once a token has said so. */
export interface Principal {
  /** The token's `sub`: sessions belong to it. Empty with authentication off, and for whoever holds a share link. */
  readonly userId: string;
  readonly role: Role;
  /** When the token ends, in ms since 1970; Infinity with authentication off. */
  readonly expiresMs: number;
  /** What a share link opens, and nothing else. */
  readonly share?: Share;
}

export interface Share {
  readonly id: string;
  readonly sessionId: string;
  /** Creation of the session that is shared: an id may live again, and be someone else's then. */
  readonly createdAt: number;
}

/** Everyone, with authentication off. */
export const anonymous: Principal = { userId: "", role: "admin", expiresMs: Number.POSITIVE_INFINITY };
