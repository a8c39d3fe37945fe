import { globalSessionId, isSessionId } from "@tapedeck/protocol";
import type { Token } from "./resume.js";

/** What a WebSocket request asks for. */
export interface Target {
  readonly sessionId: string;
  /** The last frame the client has; it wants those after it. */
  readonly token: Token | undefined;
}

/** `/ws`, `/ws/{id}` or `/ws?session_id={id}`, with `epoch` and `after` to resume. */
export function readTarget(path: string, query: string): Target | "malformed" | "elsewhere" {
  const [, first, segment, ...more] = path.split("/");
  if (first !== "ws") return "elsewhere";
  if (more.length > 0) return "malformed";
  const asked = new URLSearchParams(query);
  const inPath = segment === undefined ? "" : decoded(segment);
  const sessionId = inPath || asked.get("session_id") || globalSessionId;
  if (!isSessionId(sessionId)) return "malformed";
  const epoch = asked.get("epoch");
  const after = asked.get("after");
  if (epoch === null && after === null) return { sessionId, token: undefined };
  const token = { epoch: wholeNumber(epoch), after: wholeNumber(after) };
  return Number.isNaN(token.epoch + token.after) ? "malformed" : { sessionId, token };
}

/** A sequence that decodes to nothing cannot be an id, and is left for the check of ids to find. */
function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

/** A frame before the first one, -1, is a position as well: nothing seen yet. */
function wholeNumber(text: string | null): number {
  return text !== null && /^-?\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
}
