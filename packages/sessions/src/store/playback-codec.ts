import { playbackState } from "@tapedeck/protocol";
import { z } from "zod";
import type { KeptMode } from "../rules/record.js";
import { HashReader, parseJson, UnreadableSession } from "./hash-reader.js";

/** What a mode keeps, as fields of a hash: those of the present mode stand in the session's own. */
export function encodePlayback(deck: KeptMode) {
  return {
    state: deck.state,
    reason: deck.reason,
    speed: `${deck.speed}`,
    symbol: deck.symbol,
    source: deck.source,
    tape: deck.tape,
    seed: deck.seed,
    scenario: deck.scenario,
    anchor_tape_ts: `${deck.anchorNs}`,
    anchor_seq: `${deck.anchorSeq}`,
    from_ns: deck.fromNs === null ? "" : `${deck.fromNs}`,
    to_ns: deck.toNs === null ? "" : `${deck.toNs}`,
    loop: deck.loop ? "1" : "0",
    history_from_seq: `${deck.historyFromSeq}`,
    edge: deck.edge ? "1" : "0",
    position: `${deck.account.position}`,
    average_price: `${deck.account.average_price ?? ""}`,
    realized_pnl: `${deck.account.realized_pnl}`,
    order_seq: `${deck.orderSeq ?? ""}`,
  };
}

export function decodePlayback(read: HashReader): KeptMode {
  return {
    state: read.oneOf("state", playbackState),
    reason: read.text("reason"),
    speed: read.number("speed"),
    symbol: read.text("symbol"),
    source: read.text("source"),
    tape: read.text("tape"),
    seed: read.text("seed"),
    scenario: read.text("scenario"),
    anchorNs: read.number("anchor_tape_ts"),
    anchorSeq: read.number("anchor_seq"),
    fromNs: read.text("from_ns") === "" ? null : read.number("from_ns"),
    toNs: read.text("to_ns") === "" ? null : read.number("to_ns"),
    loop: read.flag("loop"),
    historyFromSeq: read.number("history_from_seq"),
    edge: read.flag("edge"),
    account: {
      position: read.numberOr("position", 0),
      average_price: read.numberOr("average_price", null),
      realized_pnl: read.numberOr("realized_pnl", 0),
    },
    orderSeq: read.numberOr("order_seq", null),
  };
}

const fields = z.record(z.string(), z.string());

/** A mode that was left, as JSON of the fields that the session's hash had for it; empty for none. */
export function encodeKeptMode(kept: KeptMode | null): string {
  return kept === null ? "" : JSON.stringify(encodePlayback(kept));
}

/** Null also for a text that this release cannot read: the place is lost then, the session is not. */
export function decodeKeptMode(text: string | undefined): KeptMode | null {
  const hash = fields.safeParse(parseJson(text ?? ""));
  if (!hash.success) return null;
  try {
    return decodePlayback(new HashReader(hash.data));
  } catch (error) {
    if (error instanceof UnreadableSession) return null;
    throw error;
  }
}
