import { globalSessionId, type Refusal, refuse, sessionNotFound } from "@tapedeck/protocol";
import type { Principal } from "./principal.js";

/** The part of a session that decides who may do something with it. */
export interface SessionOwnership {
  readonly id: string;
  readonly userId: string;
  readonly createdAt: number;
}

/**
 * The rules of who may do what; docs/security.md has them as a table. Pure. Each answers with a refusal, or undefined where
 * it is allowed. The shared session is everyone's: who may control their own may control it. Someone else's session is answered like
 * one that does not exist, so that ids cannot be tried out.
 */
export function viewRefusal(principal: Principal, session: SessionOwnership): Refusal | undefined {
  return mayAccess(principal, session) ? undefined : sessionNotFound(session.id);
}

export function controlRefusal(principal: Principal, session: SessionOwnership): Refusal | undefined {
  if (!mayAccess(principal, session)) return sessionNotFound(session.id);
  return principal.role === "viewer" ? needsController : undefined;
}

/** Deleting a session and sharing it are its owner's; whoever holds a link to it may do neither. */
export function ownerRefusal(principal: Principal, session: SessionOwnership): Refusal | undefined {
  const refusal = controlRefusal(principal, session);
  if (refusal !== undefined) return refusal;
  if (principal.share !== undefined)
    return refuse("FORBIDDEN", "A share link neither deletes a session nor shares it.");
  if (session.id !== globalSessionId || principal.role === "admin") return undefined;
  return refuse("FORBIDDEN", "Only an admin deletes or shares the session global.");
}

export function createRefusal(principal: Principal): Refusal | undefined {
  if (principal.share !== undefined) return refuse("FORBIDDEN", "A share link opens one session and makes none.");
  return principal.role === "viewer" ? needsController : undefined;
}

export function adminRefusal(principal: Principal): Refusal | undefined {
  return principal.role === "admin" ? undefined : refuse("FORBIDDEN", "This needs the role admin.");
}

function mayAccess({ role, share, userId }: Principal, { id, userId: owner, createdAt }: SessionOwnership): boolean {
  if (share !== undefined) return share.sessionId === id && share.createdAt === createdAt;
  return role === "admin" || id === globalSessionId || (userId !== "" && userId === owner);
}

/** Who wants to make a session learns that its id is in use, since the id cannot be given twice. */
export function idTakenRefusal(principal: Principal, session: SessionOwnership): Refusal | undefined {
  if (mayAccess(principal, session)) return undefined;
  return refuse("FORBIDDEN", `Session ${session.id} cannot be made: the id is in use by someone else.`);
}

const needsController = refuse("FORBIDDEN", "This needs the role controller; yours is viewer. Nothing was changed.");
