import { feedStatusOf, type LiveTapes } from "@tapedeck/live";
import {
  type FeedStatus,
  limits,
  type RefusalCode,
  type SessionView,
  type StateCause,
  type TradeEvent,
  type WallMs,
} from "@tapedeck/protocol";
import { positionAt, type SessionRecord, viewSession } from "@tapedeck/sessions";
import type { Seq, Tape, TapeCatalog, TapePosition } from "@tapedeck/tape";

interface SessionMessagesOptions {
  readonly tapes: Pick<TapeCatalog, "open">;
  readonly live: Pick<LiveTapes, "status">;
  /** The cluster's clock. */
  readonly now: () => WallMs;
  readonly node: string;
}

/** The messages of the subprotocol that show a session. */
export class SessionMessages {
  readonly #options: SessionMessagesOptions;

  constructor(options: SessionMessagesOptions) {
    this.#options = options;
  }

  async session(record: SessionRecord, connections: number): Promise<string> {
    const session = await this.#view(record, connections);
    return JSON.stringify({ type: "session", session, node: this.#options.node, limits });
  }

  /** @param at the frame it is at, if that differs from what the record implies */
  async state(record: SessionRecord, cause: StateCause, connections: number, at?: Seq): Promise<string> {
    return JSON.stringify({ type: "state", cause, session: await this.#view(record, connections, at) });
  }

  async ack(id: string | number, record: SessionRecord, connections: number): Promise<string> {
    return JSON.stringify({ type: "ack", id, session: await this.#view(record, connections) });
  }

  /**
   * What cannot be read at the moment is left out of the view: its clients wait for the rest. The api's `sessionViewOf` fails the request
   * instead, and shows the playhead at the time of its read, never a frame that was sent.
   */
  async #view(record: SessionRecord, connections: number, at?: Seq): Promise<SessionView> {
    const { tapes, live } = this.#options;
    const now = this.#options.now();
    const tape = record.tape === "" ? undefined : await tapes.open(record.tape).catch(() => undefined);
    const position = tape && (await positionOn(tape, record, now, at).catch(() => undefined));
    const feed = await feedStatusOf(record, live).catch(() => undefined);
    return viewSession(record, { position: position ?? null, tape, now, connections, feed });
  }
}

async function positionOn(tape: Tape, record: SessionRecord, now: WallMs, at: Seq | undefined): Promise<TapePosition> {
  return at === undefined ? positionAt(record, now, tape) : { seq: at, ns: await tape.nsOf(at) };
}

export function tradeEventMessage(fill: TradeEvent): string {
  return JSON.stringify({ type: "trade_event", data: fill });
}

export function feedMessage(feed: FeedStatus): string {
  return JSON.stringify({ type: "feed", ...feed });
}

export function errorMessage(code: RefusalCode, message: string, id?: string | number): string {
  return JSON.stringify({ type: "error", ...(id === undefined ? {} : { id }), code, message });
}
