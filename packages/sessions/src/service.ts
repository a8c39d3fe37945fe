import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import {
  type Command,
  type CreateBody,
  globalSessionId,
  isRefusal,
  isSessionId,
  type Refusal,
  RefusedError,
  refuse,
  type StateCause,
  sessionNotFound,
  type WallMs,
} from "@tapedeck/protocol";
import { type Logger, publish } from "@tapedeck/runtime";
import { type Feeds, type FeedUser, feedUserOf, noFeeds } from "./feeds.js";
import { orUnavailable } from "./redis/unavailable.js";
import { apply } from "./rules/apply.js";
import type { Tapes } from "./rules/choose-mode.js";
import type { SystemCommand } from "./rules/commands.js";
import { epochEndedBy } from "./rules/ended-epoch.js";
import { openIfPresent } from "./rules/leave-tape.js";
import { newSession } from "./rules/new-session.js";
import type { SeekableTape } from "./rules/playhead.js";
import { hasLiveTicker, needsTicker, type SessionRecord, waitsForItsTape } from "./rules/record.js";
import { resolve, writeLeadMs } from "./rules/resolve.js";
import { stateHead } from "./store/channel.js";
import type { SessionStore, StoredSession } from "./store/store.js";
import type { TickerQueue } from "./ticker-queue.js";
import { type Requester, UserQueue } from "./user-queue.js";

export type CreateChoice = Omit<CreateBody, "session_id"> & {
  /** Plays from its creation on; LIVE and SIMULATION do anyway. */
  readonly start?: boolean;
  /** The frame cap where `max_fps` names none. */
  readonly maxFps?: number;
  /** Address that creates it, for the cap per address; absent: not counted. */
  readonly createdBy?: string;
  readonly userId?: string;
};

type SessionServiceLog = Pick<Logger, "debug" | "info" | "warn">;

export interface SessionServiceOptions {
  readonly store: SessionStore;
  readonly tapes: Omit<Tapes, "live">;
  /** Absent: in LIVE nothing comes. */
  readonly feeds?: Feeds;
  readonly tickerQueue: Pick<TickerQueue, "request">;
  /** Searches for events; whatever else of this process searches tapes for users shares it. */
  readonly searches?: UserQueue;
  readonly log: SessionServiceLog;
  /** Seconds that a session lives without command or socket. */
  readonly ttl?: number;
  /** Tape of a REPLAY session that asks for none. */
  readonly defaultTape?: string | undefined;
}

export type OpenResult = StoredSession & { readonly created: boolean };
export type CommandResult = StoredSession & {
  readonly changed: boolean;
  /** The session as it was when the command was applied. */
  readonly before: SessionRecord;
};

/** A command that meets this many faster ones in a row gives up; all of `global`'s clients share one session. */
const attempts = 30;

/** The one way in which sessions come to be and change, whichever door a command came in by. */
export class SessionService {
  readonly #store: SessionStore;
  readonly #tapes: Tapes;
  readonly #feeds: Feeds;
  readonly #tickerQueue: Pick<TickerQueue, "request">;
  readonly #searches: UserQueue;
  readonly #orders = new UserQueue("orders");
  readonly #log: SessionServiceLog;
  readonly #ttl: number;

  constructor(options: SessionServiceOptions) {
    const { store, tapes, feeds = noFeeds, tickerQueue, searches, log, ttl = 3600, defaultTape } = options;
    this.#store = store;
    this.#tapes = {
      ...withDefault(tapes, defaultTape),
      live: (source, symbol, user, present) => openLiveTape({ source, symbol, user, present }, feeds, tapes),
    };
    this.#feeds = feeds;
    this.#tickerQueue = tickerQueue;
    this.#searches = searches ?? new UserQueue("searches");
    this.#log = log;
    this.#ttl = ttl;
  }

  /**
   * The session by that id, made if there is none; a new one under a random id where none is given. Rejects with
   * `TAPE_NOT_FOUND`, `INVALID_VALUE`, `LOOP_TOO_SHORT`, `NO_TAPE`, `TOO_MANY_SESSIONS`, `UNAVAILABLE`.
   */
  async open(id: string | undefined, choice: CreateChoice = {}): Promise<OpenResult> {
    if (id !== undefined && !isSessionId(id))
      throw new RefusedError(refuse("INVALID_VALUE", `${id} is no session id.`));
    const sessionId = id ?? randomUUID();
    const { record, ...rest } = await this.#store.lookUp(sessionId);
    if (record !== undefined) return { ...(await this.#visit({ record, ...rest })), created: false };
    const init = orThrow(await newSession(sessionId, choice, { now: rest.now, ttl: this.#ttl }, this.#tapes));
    const opened = await this.#store.create(init);
    if (opened.created) {
      const { mode, tape, state } = opened.record;
      this.#log.info({ session: sessionId, mode, tape, state }, "session created");
      await this.#afterwards(sessionId, "lease request", () => this.#requestTicker(opened.record));
    }
    return opened;
  }

  /** The session by that id, as a visitor finds it. Rejects with `SESSION_NOT_FOUND` and `UNAVAILABLE`. */
  async join(id: string): Promise<StoredSession> {
    const { record, ...rest } = await this.#store.lookUp(id);
    if (record === undefined) throw notFound(id);
    return this.#visit({ record, ...rest });
  }

  async #visit(found: StoredSession): Promise<StoredSession> {
    await this.#store.touch(found.record.id);
    return { ...found, record: withActivity(found.record, found.now) };
  }

  /**
   * Applies a command to a session as it is now: read, resolve, apply, write back if nobody was faster, and tell the ticker.
   * `global` is made on demand. Rejects with the command's refusal, `SESSION_NOT_FOUND` or `BUSY`, and then nothing was
   * changed; with `UNAVAILABLE` it may have been, if Redis went away before it could answer.
   *
   * An order and a search for an event are carried out one at a time for each asker, and given up when the asker has gone.
   */
  async perform(id: string, command: Command | SystemCommand, requester?: Requester): Promise<CommandResult> {
    const queue = this.#queueOf(command);
    if (queue === undefined || requester === undefined) return this.#perform(id, command);
    return queue.run(requester, () => this.#perform(id, command, requester.signal));
  }

  #queueOf(command: Command | SystemCommand): UserQueue | undefined {
    if (command.type === "order") return this.#orders;
    return command.type === "seek" && "event" in command.to ? this.#searches : undefined;
  }

  async #perform(id: string, command: Command | SystemCommand, signal?: AbortSignal): Promise<CommandResult> {
    let aheadMs = 0;
    for (let attempt = 1; attempt <= attempts; attempt++) {
      const began = performance.now();
      const performed = await this.#attempt(id, command, aheadMs, signal);
      if (typeof performed !== "string") return performed;
      if (performed === "too late") aheadMs = writeLeadMs + 2 * (performance.now() - began);
      else await delay(Math.random() * 2 * attempt);
    }
    throw new RefusedError(refuse("BUSY", `Session ${id} is being changed by too many at once. Nothing was changed.`));
  }

  /** Deletes a session; false if there is none. Its sockets close, its ticker stops. */
  async remove(id: string): Promise<boolean> {
    const deleted = await this.#store.delete(id);
    if (deleted === undefined) return false;
    this.#log.info({ session: id }, "session deleted");
    const message = `${stateHead("D", deleted.rev, deleted.epoch, 0, "deleted")}${JSON.stringify({ id })}`;
    await this.#afterwards(id, "leave of its feed", () => this.#leaveFeed(deleted));
    await this.#afterwards(id, "notice to its ticker", async () => {
      if (deleted.ticker !== "") await this.#publish(deleted.ticker, message);
    });
    return true;
  }

  async #attempt(
    id: string,
    command: Command | SystemCommand,
    aheadMs: number,
    signal?: AbortSignal,
  ): Promise<CommandResult | "someone was faster" | "too late"> {
    const { record: before, now, connections } = await this.#find(id, command);
    const leaves = command.type === "mode" && command.mode !== "LIVE";
    if (waitsForItsTape(before) && !isSystemCommand(command) && !leaves) {
      // Nobody need be watching it: what its feed has made meanwhile is what a user's command is about.
      const tuned = await this.#attempt(id, { type: "tune" }, 0);
      if (typeof tuned === "string" || tuned.changed) return "someone was faster";
    }
    const resolved = orThrow(await resolve(before, command, now, this.#tapes, { aheadMs, signal }));
    const after = orThrow(apply(before, resolved.instruction, resolved.moment));
    const alive = !isSystemCommand(command);
    if (after === before) {
      if (alive) await this.#store.touch(id);
      return { record: alive ? withActivity(before, now) : before, now, connections, changed: false, before };
    }
    signal?.throwIfAborted();
    const cause = causeOf(command, resolved.instruction);
    const ended = epochEndedBy(before, after, resolved.moment.here);
    const { instruction } = resolved;
    const order = instruction.type === "order" ? instruction.forked.order : undefined;
    const outcome = await this.#store.replace(before, after, cause, { alive, ended, order, by: resolved.by });
    if (outcome === "someone was faster" || outcome === "too late") return outcome;
    if (outcome === "gone") throw notFound(id);
    const level = alive ? "info" : "debug";
    this.#log[level]({ session: id, command: command.type, rev: after.rev, epoch: after.epoch }, "session changed");
    const moved = before.state !== after.state || before.mode !== after.mode;
    await Promise.all([
      this.#afterwards(id, "notice to its ticker", () =>
        this.#tellTicker(before, after, command, outcome.message, now),
      ),
      alive || moved ? this.#afterwards(id, "index", () => this.#store.reindex(after)) : undefined,
      after.mode !== "LIVE" ? this.#afterwards(id, "leave of its feed", () => this.#leaveFeed(before)) : undefined,
    ]);
    return { record: after, now, connections, changed: true, before };
  }

  async #find(id: string, command: Command | SystemCommand): Promise<StoredSession> {
    const stored = await this.#store.read(id);
    if (stored !== undefined) return stored;
    if (id === globalSessionId && !isSystemCommand(command)) {
      return await this.open(id);
    }
    throw notFound(id);
  }

  /**
   * The ticker that holds the session hears of it, unless it asked for the change itself; where none does, one is asked for.
   * A session that was waiting for a ticker already goes on waiting for that one.
   */
  async #tellTicker(
    before: SessionRecord,
    after: SessionRecord,
    command: Command | SystemCommand,
    message: string,
    now: WallMs,
  ): Promise<void> {
    const asker = "node" in command ? command.node : undefined;
    const told =
      hasLiveTicker(before, now) && before.ticker !== asker ? await this.#publish(before.ticker, message) : 0;
    const served = told > 0 || (asker !== undefined && after.ticker === asker);
    const waiting = needsTicker(before) && before.ticker === "";
    if (!served && !waiting) await this.#requestTicker(after);
  }

  async #leaveFeed(before: SessionRecord): Promise<void> {
    if (before.mode === "LIVE") await this.#feeds.releaseFeed(feedUserOf(before));
  }

  async #publish(ticker: string, message: string): Promise<number> {
    return await publish(this.#store.redis, this.#store.keys.tickerChannel(ticker), message);
  }

  async #requestTicker(session: SessionRecord): Promise<void> {
    if (needsTicker(session)) await this.#tickerQueue.request(session);
  }

  /** The change is done; upkeep makes up for what fails here within seconds, so the caller need not hear of it. */
  async #afterwards(sessionId: string, what: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#log.warn({ err: error, session: sessionId }, `${what} failed, upkeep will make up for it`);
    }
  }
}

const systemCommands = new Set<string>([
  "end",
  "wrap",
  "claim",
  "release",
  "park",
  "unpark",
  "failover",
  "reach",
  "tune",
  "shown",
  "recover",
] satisfies SystemCommand["type"][]);

function isSystemCommand(command: Command | SystemCommand): command is SystemCommand {
  return systemCommands.has(command.type);
}

function causeOf(command: Command | SystemCommand, instruction: object): StateCause {
  switch (command.type) {
    case "end":
      return "ended";
    case "wrap":
      return "loop";
    case "claim":
      return "stalledAt" in instruction ? "failover" : "claimed";
    case "release":
      return "claimed";
    case "park":
      return "parked";
    case "unpark":
      return "unparked";
    case "failover":
      return "failover";
    case "reach":
      return "reached";
    case "tune":
      return "tuned";
    case "recover":
      return "recover";
    default:
      return "command";
  }
}

/** What a sign of life that changes nothing else makes of a session. */
function withActivity(record: SessionRecord, now: WallMs): SessionRecord {
  return { ...record, lastActivity: Math.floor(now) };
}

function withDefault(tapes: Omit<Tapes, "live">, defaultTape: string | undefined): Omit<Tapes, "live"> {
  return {
    open: (id) => tapes.open(id),
    choose: (wish) => tapes.choose(wish, defaultTape),
    fork: (tape, session, order) => tapes.fork(tape, session, order),
  };
}

interface FeedRequest {
  readonly source: string;
  readonly symbol: string;
  readonly user: FeedUser;
  readonly present: "present" | undefined;
}

async function openLiveTape(
  { source, symbol, user, present }: FeedRequest,
  feeds: Feeds,
  tapes: Pick<Tapes, "open">,
): Promise<SeekableTape | undefined> {
  try {
    await orUnavailable(feeds.requestFeed(source, symbol, user));
  } catch (error) {
    const refused = error instanceof RefusedError && error.status !== 503;
    if (!refused || present === undefined) throw error;
  }
  const name = await orUnavailable(feeds.tapeOf(source, symbol));
  return name === "" ? undefined : await openIfPresent(name, tapes);
}

function orThrow<T extends object>(value: T | Refusal): T {
  if (isRefusal(value)) throw new RefusedError(value);
  return value;
}

function notFound(id: string): RefusedError {
  return new RefusedError(sessionNotFound(id));
}
