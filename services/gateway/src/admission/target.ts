import { globalSessionId, isSessionId } from "@tapedeck/protocol";
import type { ResumeToken } from "../client/resume.js";
import { isReaderName } from "../pacing/reader.js";

/** What a WebSocket request asks for. */
export interface Target {
  readonly sessionId: string;
  /** The last frame that the client has; it wants those after it. */
  readonly token: ResumeToken | undefined;
  /** Whether to create the session if there is none. A client that returns to its session wants to know that it was deleted. */
  readonly create: boolean;
  /** The client acknowledges frames, under this name; undefined if it does not say so. */
  readonly reader: string | undefined;
  /** The last frame of the token's epoch that it is done with, if that is not all that it has. */
  readonly acked: number | undefined;
}

/** The request has an invalid session id or resume token. */
interface MalformedTarget {
  /** For the close reason. */
  readonly malformed: string;
}

const invalidId: MalformedTarget = { malformed: "session_id: not a valid session id" };

/** Reads `/ws`, `/ws/{id}` or `/ws?session_id={id}`, with `epoch` and `after` to resume, `create=false`, and `reader` and `acked` for a client that acknowledges frames. */
export function readTarget(path: string, query: string): Target | MalformedTarget | "not found" {
  const [, first, segment, ...more] = path.split("/");
  if (first !== "ws") return "not found";
  if (more.length > 0) return invalidId;
  const parameters = new URLSearchParams(query);
  const inPath = segment === undefined ? "" : decode(segment);
  const sessionId = inPath || parameters.get("session_id") || globalSessionId;
  if (!isSessionId(sessionId)) return invalidId;
  const create = parameters.get("create") !== "false";
  const epoch = parameters.get("epoch");
  const after = parameters.get("after");
  const reader = parameters.get("reader") ?? undefined;
  if (reader !== undefined && !isReaderName(reader)) {
    return { malformed: "reader: must be 1 to 64 letters, digits, - or _" };
  }
  if (epoch === null && after === null) return { sessionId, token: undefined, create, reader, acked: undefined };
  if (epoch === null || !wholeNumber.test(epoch))
    return { malformed: "epoch: must be a whole number, with after beside it" };
  // -1 is the position before the first frame: the client has none.
  if (after === null || !(wholeNumber.test(after) || after === "-1")) {
    return { malformed: "after: must be a whole number from -1, with epoch beside it" };
  }
  const acked = parameters.get("acked");
  if (acked !== null && !wholeNumber.test(acked)) return { malformed: "acked: must be a whole number" };
  const token = { epoch: Number(epoch), after: Number(after) };
  return { sessionId, token, create, reader, acked: acked === null ? undefined : Number(acked) };
}

/** A segment that cannot be decoded is returned as it is; it is not a valid session id. */
function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

const wholeNumber = /^\d{1,15}$/;
