import { z } from "zod";
import type { View } from "../oracle/history.js";

/** A session as answers and messages show it, in the oracle's words. Read here anew, not by the product's schemas. */
export const view = z
  .object({
    epoch: z.number(),
    rev: z.number(),
    mode: z.enum(["REPLAY", "LIVE", "SIMULATION"]),
    tape: z.string().nullable(),
    state: z.enum(["STOPPED", "PLAYING", "PAUSED"]),
    reason: z.string().nullable(),
    speed: z.number(),
    cursor_ts: z.string().nullable(),
    controller_state: z.object({
      cursor_seq: z.number().nullable(),
      from_ts: z.string().nullable(),
      to_ts: z.string().nullable(),
      loop: z.boolean(),
      max_fps: z.number(),
    }),
    parked: z.boolean(),
    behind_ms: z.number().nullable(),
    account: z.object({ position: z.number() }).optional(),
  })
  .transform(
    ({ cursor_ts: cursorTs, controller_state: deck, behind_ms: behindMs, account, ...same }): View => ({
      ...same,
      cursorTs,
      cursorSeq: deck.cursor_seq,
      fromTs: deck.from_ts,
      toTs: deck.to_ts,
      loop: deck.loop,
      maxFps: deck.max_fps,
      behindMs,
      position: account?.position,
    }),
  );

const id = z.union([z.string(), z.number()]).transform(String);

export const message = z.discriminatedUnion("type", [
  z.object({ type: z.literal("session"), session: view }),
  z.object({ type: z.literal("state"), cause: z.string(), session: view }),
  z.object({ type: z.literal("history"), data: z.array(z.unknown()), epoch: z.number(), complete: z.boolean() }),
  z.object({ type: z.literal("ack"), id, session: view }),
  z.object({ type: z.literal("error"), id: id.optional(), code: z.string() }),
  z.object({
    type: z.literal("trade_event"),
    data: z.object({
      id: z.string(),
      timestamp: z.string(),
      side: z.enum(["BUY", "SELL"]),
      price: z.number(),
      size: z.number(),
    }),
  }),
  z.object({ type: z.literal("lag"), frames: z.number() }),
  z.object({ type: z.literal("feed") }),
  z.object({ type: z.literal("pong") }),
]);
