import type { Precision } from "@tapedeck/market";
import { type Severity, severity as severities, type TradeSide } from "@tapedeck/protocol";
import type { Gap, Seq } from "@tapedeck/tape";
import { type SerializedFrame, severitiesByRank, severityRank, tradeSides } from "@tapedeck/tape/blocks";
import { z } from "zod";

/**
 * A message on a live tape's channel and in its stream: one ASCII line, the head, then JSON, so that the output of SUBSCRIBE and
 * XRANGE is readable.
 *
 *   1 L {claim} {seq} {block} {ns} {trades} {volume} {last price} {last side} {effective spread} {mid}
 *       {fields} {trades from} {trades to} {anomalies from} {anomalies to} {price decimals} {size decimals} {events} {gap}\n{frame}
 *   1 U {rev}\n{hash}
 *
 * The head of a frame is one line. `claim` is that of its writer. `block` is 1 if the frame begins a block: every reader forms the
 * same blocks, so that those in memory stay valid when they are stored. `fields` to `anomalies to` are offsets in the JSON. An
 * unknown spread, no events and no gap are `-`; events are `TYPE:severity,...` (0 low to 3 critical), a gap is
 * `{from ns}:{reason, percent-encoded}`.
 */
export interface LiveFrame<Text extends string | Buffer = string | Buffer> {
  readonly claim: number;
  readonly seq: Seq;
  readonly beginsBlock: boolean;
  readonly frame: SerializedFrame & { readonly text: Text };
  /** The instrument's decimals as known then. */
  readonly precision: Precision;
}

export function encodeFrame({ claim, seq, beginsBlock, frame, precision }: LiveFrame<string>): string {
  const { gap, events, effectiveSpread } = frame;
  const head = [
    beginsBlock ? 1 : 0,
    frame.ns,
    frame.tradeCount,
    frame.tradeVolume,
    frame.lastTradePrice,
    frame.lastTradeSide,
    effectiveSpread ?? "-",
    frame.price,
    frame.fieldsStart,
    frame.tradesStart,
    frame.tradesEnd,
    frame.anomaliesStart,
    frame.anomaliesEnd,
    precision.priceDecimals,
    precision.sizeDecimals,
    events.length === 0 ? "-" : events.map(({ type, severity }) => `${type}:${severityRank(severity)}`).join(","),
    gap === undefined ? "-" : `${gap.fromNs}:${encodeURIComponent(gap.reason)}`,
  ];
  return `1 L ${claim} ${seq} ${head.join(" ")}\n${frame.text}`;
}

const newline = 0x0a;
const kinds = { L: 0x4c, U: 0x55 } as const;
const fieldsOfHead = 19;

/** Undefined for a message of another format. */
export function kindOf(message: Uint8Array): "frame" | "change" | undefined {
  if (message[0] !== 0x31 || message[1] !== 0x20 || message[3] !== 0x20) return undefined;
  if (message[2] === kinds.L) return "frame";
  return message[2] === kinds.U ? "change" : undefined;
}

/** HOT: once per frame and process. The text shares the message's memory. Undefined for a message of another format. */
export function decodeFrame(message: Buffer): LiveFrame<Buffer> | undefined {
  const end = message.indexOf(newline);
  if (kindOf(message) !== "frame" || end < 0) return undefined;
  const fields = message.toString("latin1", 4, end).split(" ");
  if (fields.length !== fieldsOfHead) return undefined;
  const [side = "", spread = "", events = "", gap = ""] = [fields[7], fields[8], fields[17], fields[18]];
  const number = (at: number) => Number(fields[at]);
  const [claim, seq, ns] = [number(0), number(1), number(3)];
  const lastTradeSide: TradeSide | undefined = tradeSides.find((each) => each === side);
  const effectiveSpread = spread === "-" ? null : Number(spread);
  let sum = claim + seq + ns + (effectiveSpread ?? 0);
  for (let at = 4; at < 17; at++) if (at !== 7 && at !== 8) sum += number(at);
  if (Number.isNaN(sum) || lastTradeSide === undefined) return undefined;
  return {
    claim,
    seq,
    beginsBlock: fields[2] === "1",
    frame: {
      ns,
      text: message.subarray(end + 1),
      tradeCount: number(4),
      tradeVolume: number(5),
      lastTradePrice: number(6),
      lastTradeSide,
      effectiveSpread,
      price: number(9),
      fieldsStart: number(10),
      tradesStart: number(11),
      tradesEnd: number(12),
      anomaliesStart: number(13),
      anomaliesEnd: number(14),
      gap: gap === "-" ? undefined : gapOf(gap, seq, ns),
      events: events === "-" ? none : eventsOf(events),
    },
    precision: { priceDecimals: number(15), sizeDecimals: number(16) },
  };
}

const none: SerializedFrame["events"] = [];

function eventsOf(text: string): SerializedFrame["events"] {
  return text.split(",").map((event) => {
    const [type = "", rank] = event.split(":");
    return { type, severity: severitiesByRank[Number(rank)] ?? lowest };
  });
}

const lowest: Severity = severities.enum.low;

function gapOf(text: string, seq: Seq, ns: number): Gap {
  const [from = "", reason = ""] = text.split(":");
  return { afterSeq: seq - 1, fromNs: Number(from), toNs: ns, reason: decodeURIComponent(reason) };
}

const hashShape = z.record(z.string(), z.string());

/** The hash in a change message; undefined for any other message. */
export function decodeChange(message: Buffer): Readonly<Record<string, string>> | undefined {
  const end = message.indexOf(newline);
  if (kindOf(message) !== "change" || end < 0) return undefined;
  try {
    return hashShape.parse(JSON.parse(message.toString("utf8", end + 1)));
  } catch {
    return undefined; // the caller logs it
  }
}
