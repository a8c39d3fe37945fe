import { z } from "zod";
import { isoTime } from "../formats/time.js";

/** What the existing dashboards' login sends. While authentication is off anyone is accepted and nothing is kept. */
export const loginBody = z.object({
  email: z.string().min(1, "must not be empty").max(320, "must have at most 320 characters"),
  password: z.string().max(1024, "must have at most 1024 characters"),
});
export const registerBody = loginBody.extend({
  name: z.string().max(200, "must have at most 200 characters").optional(),
});

export const tokenAnswer = z.object({
  access_token: z.string(),
  token_type: z.literal("bearer"),
  user: z.object({ id: z.int(), name: z.string(), email: z.string(), created_at: isoTime }),
});
