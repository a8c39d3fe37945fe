import { globalSessionId, type Refusal, refuse, sessionNotFound } from "@tapedeck/protocol";
import type { Principal } from "./principal.js";

/** The part of a session on which permissions depend. */
export interface SessionOwnership {
  readonly id: string;
  readonly userId: string;
  readonly createdAt: number;
}

/**
 * The rules of who may view, control, delete, share and create sessions; docs/security.md has them as a table. Each function returns a
 * refusal, or undefined if the action is allowed. Everyone may view the session `global`, and controllers may control it. Another user's
 * session is answered like one that does not exist, so that ids cannot be probed.
 */
export function viewRefusal(principal: Principal, session: SessionOwnership): Refusal | undefined {
  return mayAccess(principal, session) ? undefined : sessionNotFound(session.id);
}

export function controlRefusal(principal: Principal, session: SessionOwnership): Refusal | undefined {
  if (!mayAccess(principal, session)) return sessionNotFound(session.id);
  return principal.role === "viewer" ? controllerRequired : undefined;
}

/** Only the owner may delete or share a session, not the holder of a share link. */
export function ownerRefusal(principal: Principal, session: SessionOwnership): Refusal | undefined {
  const refusal = controlRefusal(principal, session);
  if (refusal !== undefined) return refusal;
  if (principal.share !== undefined) return refuse("FORBIDDEN", "A share link cannot delete or share a session.");
  if (session.id !== globalSessionId || principal.role === "admin") return undefined;
  return refuse("FORBIDDEN", "Deleting or sharing the session global requires the role admin.");
}

export function createRefusal(principal: Principal): Refusal | undefined {
  if (principal.share !== undefined) return refuse("FORBIDDEN", "A share link cannot create sessions.");
  return principal.role === "viewer" ? controllerRequired : undefined;
}

export function adminRefusal(principal: Principal): Refusal | undefined {
  return principal.role === "admin" ? undefined : refuse("FORBIDDEN", "This requires the role admin.");
}

function mayAccess({ role, share, userId }: Principal, { id, userId: owner, createdAt }: SessionOwnership): boolean {
  if (share !== undefined) return share.sessionId === id && share.createdAt === createdAt;
  return role === "admin" || id === globalSessionId || (userId !== "" && userId === owner);
}

/** Creating a session reveals that its id is in use, since ids are unique. */
export function idTakenRefusal(principal: Principal, session: SessionOwnership): Refusal | undefined {
  if (mayAccess(principal, session)) return undefined;
  return refuse("FORBIDDEN", `The session id ${session.id} is already in use by another user.`);
}

const controllerRequired = refuse("FORBIDDEN", "This requires the role controller. Nothing was changed.");
