import { z } from "zod";
import { isoTime } from "../formats/time.js";

/** A key with which a client of an exchange signs its requests to a session's venue. */
export const venueKeyBody = z.object({
  name: z.string().max(60, "must have at most 60 characters").default("").describe("what the key is for"),
  public_key: z
    .string()
    .max(1_000, "must have at most 1000 characters")
    .optional()
    .describe("an Ed25519 public key as PEM; without one the answer has a secret for HMAC-SHA256"),
});

const venueKeyView = z
  .object({
    api_key: z.string(),
    kind: z.enum(["HMAC", "ED25519"]),
    name: z.string(),
    created_at: isoTime,
    created_by: z.string().describe("the user, empty without authentication"),
  })
  .meta({ id: "VenueKey" });
export type VenueKeyView = z.infer<typeof venueKeyView>;

/** The only answer that contains the secret. A key with a public key has none. */
export const createVenueKeyAnswer = venueKeyView.extend({ secret: z.string().optional() });
export const venueKeysAnswer = z.object({ venue_keys: z.array(venueKeyView) });
