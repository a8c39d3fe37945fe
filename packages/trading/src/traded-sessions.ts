import { RefusedError, refuse, sessionNotFound, type TapeNs } from "@tapedeck/protocol";
import type { LoggedAction, SessionRecord, SessionStore } from "@tapedeck/sessions";
import type { Tape, TapeCatalog } from "@tapedeck/tape";
import { LRUCache } from "lru-cache";
import pLimit, { type LimitFunction } from "p-limit";
import { ActionChains } from "./actions/action-chains.js";
import { type CheckpointPace, SessionCheckpoints } from "./checkpoint/session-checkpoints.js";
import { EventWindows } from "./events/event-windows.js";
import { SessionReplays, type TradingRecord } from "./replay/session-replays.js";
import { type ChainSettings, decodeSettings } from "./settings.js";

interface TradedSessionsOptions {
  readonly store: SessionStore;
  readonly tapes: Pick<TapeCatalog, "open">;
  /** Absent: the usual pace. */
  readonly checkpoints?: CheckpointPace;
}

/** What this process keeps of a session that trades. */
export interface TradedSession {
  readonly chains: ActionChains;
  readonly replays: SessionReplays;
  /** Actions of this process are written one after the other, or they would only get in each other's way. */
  readonly acting: LimitFunction;
  /** The place of the action that is being written, in nanoseconds since the tape's start. */
  writing: TapeNs | undefined;
}

/** Sessions whose replays are kept: each has a book of its own. */
const keptSessions = 500;

/** The sessions whose trading this process knows, and what it has to read of them. One per process. */
export class TradedSessions {
  readonly #options: TradedSessionsOptions;
  readonly #windows = new EventWindows();
  readonly #kept = new LRUCache<string, TradedSession>({ max: keptSessions });

  /** Each order, and each request of a bot, asks for them. */
  readonly #settings = new WeakMap<LoggedAction, ChainSettings>();

  constructor(options: TradedSessionsOptions) {
    this.#options = options;
  }

  /** Undefined before it was needed. */
  known({ id, createdAt }: Pick<TradingRecord, "id" | "createdAt">): TradedSession | undefined {
    return this.#kept.get(`${id} ${createdAt}`);
  }

  of({ id, createdAt }: Pick<TradingRecord, "id" | "createdAt">): TradedSession {
    const known = this.known({ id, createdAt });
    if (known !== undefined) return known;
    const { store, checkpoints: pace } = this.#options;
    const chains = new ActionChains(id, store);
    const checkpoints = new SessionCheckpoints({ id, createdAt }, store.checkpoints, pace);
    const replays = new SessionReplays(chains, this.#windows, checkpoints);
    const session: TradedSession = { chains, replays, acting: pLimit(1), writing: undefined };
    this.#kept.set(`${id} ${createdAt}`, session);
    return session;
  }

  /** What the session's chain begins with; undefined if it has none. Rejects with `UNAVAILABLE`. */
  async settings(record: TradingRecord): Promise<ChainSettings | undefined> {
    if (record.chain === null) return undefined;
    const line = await this.of(record).chains.root(record.chain);
    const known = this.#settings.get(line);
    if (known !== undefined) return known;
    const settings = decodeSettings(line.body);
    this.#settings.set(line, settings);
    return settings;
  }

  /** Rejects with `NO_TAPE`, and as opening a tape does. */
  async open({ id, tape }: TradingRecord): Promise<Tape> {
    if (tape !== "") return this.#options.tapes.open(tape);
    throw new RefusedError(refuse("NO_TAPE", `Session ${id} has no tape to trade on. Nothing was changed.`));
  }

  /** Rejects with `SESSION_NOT_FOUND` and `UNAVAILABLE`. */
  async read(id: string): Promise<SessionRecord> {
    const found = await this.#options.store.read(id);
    if (found === undefined) throw new RefusedError(sessionNotFound(id));
    return found.record;
  }
}
