import { sessionIdPattern } from "@tapedeck/protocol";
import { z } from "zod";

/** An id that no session can have is looked up like any other: it is not found. */
export const idParams = z.object({
  id: z
    .string()
    .meta({ description: `A session's id: ${sessionIdPattern.source}`, example: "session_1735900000000_ab12cd34e" }),
});
