import type { NormalizedReplay } from "@tapedeck/protocol";
import { type EventState, pinnedTrackOf, type Tape, type TrackedEvent, type TrackReader } from "@tapedeck/tape";
import type { ReplayedMarket } from "./find-markets.js";
import { MessageWriter } from "./message-writer.js";

/** A message with the time of its receipt, in nanoseconds since 1970. */
export interface TimedMessage {
  readonly localNs: bigint;
  /** JSON, without the end of the line. */
  readonly text: string;
}

type Wanted = Pick<NormalizedReplay, "from" | "to" | "dataTypes" | "withDisconnectMessages">;

/** Tardis' normalized messages of a market, in the order in which its books took the events. Fails as reading its tapes does. */
export async function* marketMessages(
  { exchange, symbol, tapes }: ReplayedMarket,
  wanted: Wanted,
): AsyncGenerator<TimedMessage, void, undefined> {
  let localNs = 0n;
  for (const tape of tapes) {
    const track = await pinnedTrackOf(tape);
    const writer = new MessageWriter(
      { exchange, symbol, times: tape.decimals, track: track.decimals },
      wanted.dataTypes,
    );
    const gaps = new GapsPassed(tape);
    const isFirst = localNs === 0n;
    let isBegun = false;
    for await (const event of effectiveEvents(track, wanted)) {
      if (event.receivedNs > localNs) localNs = event.receivedNs;
      const texts: string[] = [];
      const isCut = gaps.passedBy(event) || !(isBegun || isFirst);
      if (isCut && wanted.withDisconnectMessages) texts.push(writer.disconnect(localNs));
      if (!isBegun && writer.wantsBook)
        texts.push(...writer.wholeBook(await track.bookAt({ ts: wanted.from - 1n }), wanted.from, localNs));
      isBegun = true;
      texts.push(...writer.messagesOf(event, localNs));
      for (const text of texts) yield { localNs, text };
    }
    for (const text of writer.end(wanted.to, localNs)) yield { localNs, text };
  }
}

const effective: ReadonlySet<EventState> = new Set<EventState>(["applied", "again", "derived"]);

/** The events of a range that changed the book, or are in a frame's trades. */
async function* effectiveEvents(
  track: TrackReader,
  { from, to }: Wanted,
): AsyncGenerator<TrackedEvent, void, undefined> {
  for await (const event of track.events({ from: { ts: from }, to: { ts: to } })) {
    if (effective.has(event.state)) yield event;
  }
}

/** Notices the marked gaps of a tape as its events go by. */
class GapsPassed {
  readonly #gaps: Tape["gaps"];
  /** The first gap that is not passed. */
  #next = 0;
  #isBegun = false;

  constructor({ gaps }: Pick<Tape, "gaps">) {
    this.#gaps = gaps;
  }

  /** Whether there is a gap between an event and the one before; there is none before the first. */
  passedBy({ seq }: Pick<TrackedEvent, "seq">): boolean {
    const first = this.#next;
    while (seq > (this.#gaps[this.#next]?.afterSeq ?? Number.POSITIVE_INFINITY)) this.#next++;
    const hasPassed = this.#isBegun && this.#next > first;
    this.#isBegun = true;
    return hasPassed;
  }
}
