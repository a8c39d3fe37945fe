import { z } from "zod";
import { segment } from "./cluster-calls.js";
import { sessionId } from "./session-calls.js";
import { ToolRefusal } from "./tool.js";

/** Whose market a tool shows: that of a session, with its user's orders, or a tape's. */
export const marketSource = {
  session_id: sessionId.optional(),
  tape: z.string().min(1).optional().describe("instead of session_id: id or id@version of a tape"),
};

/** The path that names it. Throws unless exactly one is given. */
export function pathOf({ session_id, tape }: { session_id?: string | undefined; tape?: string | undefined }): string {
  if (session_id !== undefined && tape === undefined) return `/sessions/${segment(session_id)}`;
  if (tape !== undefined && session_id === undefined) return `/tapes/${segment(tape)}`;
  throw new ToolRefusal("Name exactly one of session_id and tape.");
}
