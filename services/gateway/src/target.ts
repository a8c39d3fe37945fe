import { globalSessionId, isSessionId } from "@tapedeck/protocol";
import type { Token } from "./resume.js";

/** What a WebSocket request asks for. */
export interface Target {
  readonly sessionId: string;
  /** The last frame the client has; it wants those after it. */
  readonly token: Token | undefined;
  /** Whether an id that names no session makes one. Who comes back to a session that was deleted wants to hear of it. */
  readonly create: boolean;
}

/** A request that names no session, or a resume token that nobody can have been given. */
export interface Malformed {
  /** For the reason of the close. */
  readonly malformed: string;
}

const notAnId: Malformed = { malformed: "session_id: not a session's id" };

/** `/ws`, `/ws/{id}` or `/ws?session_id={id}`, with `epoch` and `after` to resume, and `create=false`. */
export function readTarget(path: string, query: string): Target | Malformed | "elsewhere" {
  const [, first, segment, ...more] = path.split("/");
  if (first !== "ws") return "elsewhere";
  if (more.length > 0) return notAnId;
  const asked = new URLSearchParams(query);
  const inPath = segment === undefined ? "" : decoded(segment);
  const sessionId = inPath || asked.get("session_id") || globalSessionId;
  if (!isSessionId(sessionId)) return notAnId;
  const create = asked.get("create") !== "false";
  const epoch = asked.get("epoch");
  const after = asked.get("after");
  if (epoch === null && after === null) return { sessionId, token: undefined, create };
  if (epoch === null || !wholeNumber.test(epoch))
    return { malformed: "epoch: must be a whole number, with after beside it" };
  // The frame before the first one is a place as well: nothing seen yet.
  if (after === null || !(wholeNumber.test(after) || after === "-1")) {
    return { malformed: "after: must be a whole number from -1, with epoch beside it" };
  }
  return { sessionId, token: { epoch: Number(epoch), after: Number(after) }, create };
}

/** A sequence that decodes to nothing cannot be an id, and is left for the check of ids to find. */
function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

const wholeNumber = /^\d{1,15}$/;
