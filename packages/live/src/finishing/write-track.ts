import type { TapeWriter } from "@tapedeck/tape";
import { DecimalsChanged, type TrackSummary } from "@tapedeck/tape/blocks";
import type { TrackPart, TrackParts } from "../track/track-parts.js";
import type { ReplayedTape } from "./track-replay.js";
import { TrackThread } from "./track-thread.js";
import type { TrackTask } from "./track-worker.js";

type StoredParts = Pick<TrackParts, "list" | "bytes" | "damaged">;
type FinishedTape = Omit<ReplayedTape, "beginN">;

/**
 * Writes the event track of a tape that ends, from its parts. A thread of its own decodes and encodes: that takes minutes for a day of a busy market,
 * and this process may be recording other instruments. Undefined if the tape has no parts. Rejects with `DecimalsChanged`, `DamagedTape`, or as
 * `TapeWriter.append` does.
 */
export async function writeTrack(
  writer: Pick<TapeWriter, "appendTrack">,
  parts: StoredParts,
  tape: FinishedTape,
): Promise<TrackSummary | undefined> {
  const list = await parts.list();
  if (list.length === 0) return undefined;
  const thread = new TrackThread();
  try {
    return await new TrackFiles(thread, writer, parts, tape).write(list);
  } finally {
    await thread.close();
  }
}

class TrackFiles {
  readonly #thread: TrackThread;
  readonly #writer: Pick<TapeWriter, "appendTrack">;
  readonly #parts: StoredParts;
  readonly #tape: FinishedTape;

  constructor(thread: TrackThread, writer: Pick<TapeWriter, "appendTrack">, parts: StoredParts, tape: FinishedTape) {
    this.#thread = thread;
    this.#writer = writer;
    this.#parts = parts;
    this.#tape = tape;
  }

  async write(list: readonly TrackPart[]): Promise<TrackSummary | undefined> {
    const { first, beginN } = await this.#beginning(list);
    await this.#run({ begin: { ...this.#tape, beginN } });
    for (const part of list.slice(first)) await this.#run({ part: await this.#parts.bytes(part) }, part);
    return (await this.#run("end")).summary;
  }

  /** The last whole book that the tape's first frame needs: the frames before it were erased. */
  async #beginning(list: readonly TrackPart[]): Promise<{ readonly first: number; readonly beginN: number }> {
    const { firstSeq } = this.#tape;
    const first = list.findLastIndex(({ wholeSeq = Number.POSITIVE_INFINITY }) => wholeSeq <= firstSeq);
    const part = list[first];
    if (firstSeq === 0 || part === undefined) return { first: 0, beginN: 0 };
    const { wholeN = 0 } = await this.#run({ lastWholeBook: { part: await this.#parts.bytes(part), firstSeq } }, part);
    return { first, beginN: wholeN };
  }

  /** Has the thread do something, and appends to the files what it made. */
  async #run(
    task: TrackTask,
    part?: TrackPart,
  ): Promise<{ readonly summary?: TrackSummary; readonly wholeN?: number }> {
    const reply = await this.#thread.ask(task);
    if ("wholeN" in reply) return reply;
    if ("pieces" in reply) {
      for (const { file, bytes } of reply.pieces) await this.#writer.appendTrack(file, bytes);
      return reply;
    }
    if ("changed" in reply) {
      const { source, symbol } = this.#tape;
      throw new DecimalsChanged(`${source} ${symbol}`, reply.changed);
    }
    const failure = new Error("damaged" in reply ? reply.damaged : reply.error);
    throw "damaged" in reply && part !== undefined ? this.#parts.damaged(part, failure) : failure;
  }
}
