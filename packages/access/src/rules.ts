import { globalSessionId, type Refusal, refuse } from "@tapedeck/protocol";
import type { Principal } from "./principal.js";

/** The part of a session that decides who may do something with it. */
export interface Owned {
  readonly id: string;
  readonly userId: string;
  readonly createdAt: number;
}

/**
 * The rules of who may do what; docs/security.md has them as a table. Pure. Each answers with a refusal, or undefined where
 * it is allowed. The shared session is everyone's: who may control their own may control it.
 */
export function viewRefusal(principal: Principal, session: Owned): Refusal | undefined {
  return reaches(principal, session) ? undefined : notYours(session.id);
}

export function controlRefusal(principal: Principal, session: Owned): Refusal | undefined {
  if (!reaches(principal, session)) return notYours(session.id);
  return principal.role === "viewer" ? onlyLooks : undefined;
}

/** Deleting a session and sharing it are its owner's; whoever holds a link to it may do neither. */
export function ownRefusal(principal: Principal, session: Owned): Refusal | undefined {
  if (principal.share !== undefined) return notYours(session.id);
  if (session.id === globalSessionId && principal.role !== "admin") return notYours(session.id);
  return controlRefusal(principal, session);
}

export function createRefusal(principal: Principal): Refusal | undefined {
  if (principal.share !== undefined) return refuse("FORBIDDEN", "A share link opens one session and makes none.");
  return principal.role === "viewer" ? onlyLooks : undefined;
}

export function adminRefusal(principal: Principal): Refusal | undefined {
  return principal.role === "admin" ? undefined : refuse("FORBIDDEN", "This needs the role admin.");
}

function reaches({ role, share, userId }: Principal, { id, userId: owner, createdAt }: Owned): boolean {
  if (share !== undefined) return share.sessionId === id && share.createdAt === createdAt;
  return role === "admin" || id === globalSessionId || (userId !== "" && userId === owner);
}

function notYours(id: string): Refusal {
  return refuse("FORBIDDEN", `Session ${id} belongs to someone else.`);
}

const onlyLooks = refuse("FORBIDDEN", "This needs the role controller; yours is viewer. Nothing was changed.");
