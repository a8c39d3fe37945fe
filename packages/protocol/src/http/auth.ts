import { z } from "zod";
import { isoTime } from "../formats/time.js";

/** The login of the existing dashboards. With authentication off anyone is accepted, and nothing is stored. */
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

/** What the holder of a share link may do with the session: view it, or also control it. */
export const shareRole = z.enum(["viewer", "controller"]);

const day = 86_400;
export const shareBody = z.object({
  role: shareRole.default("viewer"),
  expires_in_s: z
    .int()
    .min(60, "must be at least 60")
    .max(30 * day, `must be at most ${30 * day}`)
    .default(day)
    .describe("seconds until the link expires"),
});

const shareView = z
  .object({
    id: z.string(),
    role: shareRole,
    created_at: isoTime,
    expires_at: isoTime,
    created_by: z.string(),
  })
  .meta({ id: "Share" });
export type ShareView = z.infer<typeof shareView>;

/** The only answer that contains the token. */
export const createShareAnswer = z.object({ share: shareView, token: z.string() });
export const sharesAnswer = z.object({ shares: z.array(shareView) });
