import { z } from "zod";
import { isoTime } from "../formats/time.js";

/** What a share link lets its holder do with the session: watch it, or control it too. */
export const shareRole = z.enum(["viewer", "controller"]);

const day = 86_400;
export const shareBody = z.object({
  role: shareRole.default("viewer"),
  expires_in_s: z
    .int()
    .min(60, "must be at least 60")
    .max(30 * day, `must be at most ${30 * day}`)
    .default(day)
    .describe("seconds for which the link is good"),
});

export const shareView = z
  .object({
    id: z.string(),
    role: shareRole,
    created_at: isoTime,
    expires_at: isoTime,
    created_by: z.string(),
  })
  .meta({ id: "Share" });
export type ShareView = z.infer<typeof shareView>;

/** The token is told once, here. */
export const createShareAnswer = z.object({ share: shareView, token: z.string() });
export const sharesAnswer = z.object({ shares: z.array(shareView) });
