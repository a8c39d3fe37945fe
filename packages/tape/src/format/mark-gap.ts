import type { FrameParts } from "@tapedeck/market";
import type { TapeNs } from "@tapedeck/protocol";
import type { Gap, Seq } from "../tape.js";

/**
 * How a gap is marked, on imported and live tapes alike: on the first frame after it. A gap begins no earlier than the frame before it, at
 * `lastNs`, since that frame proves that the source was alive. A gap of no length is not marked.
 */
export function markGap(parts: FrameParts, seq: Seq, lastNs: TapeNs): Gap | undefined {
  if (parts.gapBefore === null) return undefined;
  const fromNs = Math.max(parts.gapBefore.fromNs, lastNs);
  if (fromNs >= parts.ns) return undefined;
  return { afterSeq: seq - 1, fromNs, toNs: parts.ns, reason: parts.gapBefore.reason };
}

export function gapLengthNs(gap: Gap | undefined): TapeNs {
  return gap === undefined ? 0 : gap.toNs - gap.fromNs;
}

/** The field that ends a frame's JSON after a marked gap: milliseconds, to the microsecond. Empty without a gap. */
export function gapField(gapNs: TapeNs): string {
  const us = Math.round(gapNs / 1000);
  return us === 0 ? "" : `,"gap_before_ms":${us / 1000}`;
}
