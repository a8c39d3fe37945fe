import { feedStatusOf, type LiveTapes } from "@tapedeck/live";
import {
  type FeedStatus,
  limits,
  type SessionView,
  type StateCause,
  type TradeEvent,
  type WallMs,
} from "@tapedeck/protocol";
import { midAt, positionAt, type SessionRecord, viewOf } from "@tapedeck/sessions";
import type { Position, Seq, Tape, TapeCatalog } from "@tapedeck/tape";

/** Where a newcomer's history lies: the frames (after, to]. */
export interface HistoryWindow {
  readonly after: Seq;
  readonly to: Seq;
}

/** The last at most 100 frames up to `last`, none that the session was not to show. */
export function historyWindow(record: SessionRecord, last: Seq): HistoryWindow {
  const first = Math.max(last - limits.historyFrames + 1, record.historyFromSeq);
  return { after: Math.min(first - 1, last), to: last };
}

/** The messages of the subprotocol that show a session. */
export class SessionTexts {
  readonly #tapes: Pick<TapeCatalog, "open">;
  readonly #live: Pick<LiveTapes, "status">;
  readonly #now: () => WallMs;
  readonly #node: string;

  constructor(options: {
    tapes: Pick<TapeCatalog, "open">;
    live: Pick<LiveTapes, "status">;
    now: () => WallMs;
    node: string;
  }) {
    this.#tapes = options.tapes;
    this.#live = options.live;
    this.#now = options.now;
    this.#node = options.node;
  }

  async session(record: SessionRecord, connections: number): Promise<string> {
    const session = await this.#view(record, connections);
    return JSON.stringify({ type: "session", session, node: this.#node, limits });
  }

  /** @param at the frame it is at, where that is not what the record says */
  async state(record: SessionRecord, cause: StateCause, connections: number, at?: Seq): Promise<string> {
    return JSON.stringify({ type: "state", cause, session: await this.#view(record, connections, at) });
  }

  async ack(id: string | number, record: SessionRecord, connections: number): Promise<string> {
    return JSON.stringify({ type: "ack", id, session: await this.#view(record, connections) });
  }

  async #view(record: SessionRecord, connections: number, at?: Seq): Promise<SessionView> {
    const now = this.#now();
    const tape = record.tape === "" ? undefined : await this.#tapes.open(record.tape).catch(() => undefined);
    const position = tape && (await placeOn(tape, record, now, at).catch(() => undefined));
    const mid = position && (await midAt(record, position, tape));
    const feed = await feedStatusOf(record, this.#live).catch(() => undefined);
    return viewOf(record, { position, tape, now, connections, mid, feed });
  }
}

async function placeOn(tape: Tape, record: SessionRecord, now: WallMs, at: Seq | undefined): Promise<Position> {
  return at === undefined ? positionAt(record, now, tape) : { seq: at, ns: await tape.nsOf(at) };
}

export function tradeEventText(fill: TradeEvent): string {
  return JSON.stringify({ type: "trade_event", data: fill });
}

export function feedText(feed: FeedStatus): string {
  return JSON.stringify({ type: "feed", ...feed });
}
