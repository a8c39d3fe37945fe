import type { Seq } from "../../tape.js";
import type { RowTrack } from "../../track/track-of.js";
import type { TrackRange } from "../../track/track-reader.js";
import type { RowBlock, RowTape } from "../row-source.js";
import type { BatchKind, EncodeTask, SentFrames, TapeAnswer, TapeCall } from "./messages.js";

type Ask = (call: TapeCall) => Promise<TapeAnswer>;

/** A tape that another thread has open: what rows need of it is asked for when it is needed. */
export function remoteTape({ tape, track }: EncodeTask, ask: Ask): RowTape {
  return {
    ...tape,
    track: track && remoteTrack(track, ask),
    load: async (seq) => blockOf(present((await ask({ read: "frames", seq })).frames)),
  };
}

function blockOf({ firstSeq, lastSeq, ...frames }: SentFrames): RowBlock {
  const at = <T>(values: readonly T[], seq: Seq): T => present(values[seq - firstSeq]);
  return {
    firstSeq,
    lastSeq,
    nsOf: (seq) => at(frames.ns, seq),
    gapBeforeNsOf: (seq) => at(frames.gapsBefore, seq),
    tradeCountOf: (seq) => at(frames.tradeCounts, seq),
    json: (seq) => at(frames.json, seq),
    trades: (seq) => at(frames.trades, seq),
    anomalies: (seq) => at(frames.anomalies, seq),
  };
}

function remoteTrack({ decimals, hasOrders }: NonNullable<EncodeTask["track"]>, ask: Ask): RowTrack {
  let readings = 0;
  /** Answers with batches, until there are no more. */
  async function* batches(kind: BatchKind, range: TrackRange = {}) {
    const reading = readings++;
    try {
      for (;;) {
        const answer = await ask({ read: "batch", kind, reading, range });
        if (answer[kind] === undefined) return;
        yield answer;
      }
    } finally {
      await ask({ read: "leave", reading });
    }
  }
  return {
    decimals,
    async *bookBatches(range) {
      for await (const { book } of batches("book", range)) {
        const { ofOrigin, ...batch } = present(book);
        yield { ...batch, origin: () => Promise.resolve(ofOrigin) };
      }
    },
    async *tradeBatches(range) {
      for await (const { trades } of batches("trades", range)) {
        const { ofOrigin, ...batch } = present(trades);
        yield { ...batch, origin: () => Promise.resolve(ofOrigin) };
      }
    },
    orders: hasOrders
      ? {
          async *batches(range) {
            for await (const { orders } of batches("orders", range)) yield present(orders);
          },
        }
      : undefined,
    bookAt: async (place) => present((await ask({ read: "book", place })).wholeBook),
  };
}

function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("the other thread answered something else");
  return value;
}
