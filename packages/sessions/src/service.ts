import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import {
  type Command,
  globalSessionId,
  isRefusal,
  isSessionId,
  type Refusal,
  RefusedError,
  refuse,
  sessionNotFound,
  type WallMs,
} from "@tapedeck/protocol";
import { type Logger, publish } from "@tapedeck/runtime";
import { openIfExists, type ReactingTape } from "@tapedeck/tape";
import { type Feeds, type FeedUser, feedUserOf, noFeeds } from "./feeds.js";
import { orUnavailable } from "./redis/unavailable.js";
import { apply } from "./rules/apply.js";
import type { Tapes } from "./rules/choose-mode.js";
import { causeOf, isSystemCommand, type SystemCommand, writeLeadMs } from "./rules/commands.js";
import { epochEndedBy } from "./rules/epochs.js";
import { type NewSessionOptions, newSession } from "./rules/new-session.js";
import { isPaced, type SeekableTape } from "./rules/playhead.js";
import { type ActionChain, hasLiveTicker, needsTicker, type SessionRecord, waitsForItsTape } from "./rules/record.js";
import { resolve } from "./rules/resolve.js";
import { stateHead } from "./store/channel.js";
import type { StoredSession } from "./store/record-codec.js";
import type { AddedActions, SessionStore } from "./store/store.js";
import type { TickerQueue } from "./ticker-queue.js";
import { rewindChain } from "./trading/rewind-chain.js";
import { type Requester, UserQueue } from "./user-queue.js";

type SessionServiceLog = Pick<Logger, "debug" | "info" | "warn">;

export interface SessionServiceOptions {
  readonly store: SessionStore;
  readonly tapes: Omit<Tapes, "live">;
  /** Absent: LIVE sessions get no frames. */
  readonly feeds?: Feeds;
  readonly tickerQueue: Pick<TickerQueue, "request">;
  /** Limits searches for events; other searches of tapes for users in this process share it. */
  readonly searches?: UserQueue;
  readonly log: SessionServiceLog;
  /** Seconds that a session lives without command or socket. */
  readonly ttl?: number;
  /** Tape of a REPLAY session that names none. */
  readonly defaultTape?: string | undefined;
}

type OpenResult = StoredSession & { readonly created: boolean };
export type CommandResult = StoredSession & {
  readonly changed: boolean;
  /** The session as it was when the command was applied. */
  readonly before: SessionRecord;
};

/** What to add to the log of actions. */
export interface PlannedActions {
  readonly chain: ActionChain;
  readonly added: AddedActions;
  /** Redis's time after which it may no longer be written; absent: any time. */
  readonly by?: WallMs | undefined;
  /** The tape whose market sees what the action takes; absent: none does. */
  readonly reacting?: ReactingTape | undefined;
}

/**
 * Undefined: there is nothing to add.
 *
 * @param aheadMs how much more time than usual writing takes, as attempts that were too late have shown
 */
export type PlanActions = (session: SessionRecord, now: WallMs, aheadMs: number) => Promise<PlannedActions | undefined>;

/** A session that a command is applied to. `heldUntil`: the playhead stands until then, and the change must be written by then. */
type FoundSession = StoredSession & { readonly heldUntil?: WallMs };

/** A command gives up after this many conflicting changes in a row; all clients of `global` share one session. */
const maxAttempts = 30;

/** Creates, changes and deletes sessions, for HTTP requests, sockets and tickers alike. */
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
      live: (source, symbol, user, current) => openLiveTape({ source, symbol, user, current }, feeds, tapes),
    };
    this.#feeds = feeds;
    this.#tickerQueue = tickerQueue;
    this.#searches = searches ?? new UserQueue("searches");
    this.#log = log;
    this.#ttl = ttl;
  }

  /**
   * The session with that id, created if there is none; without an id, a new one under a random id. Rejects with
   * `TAPE_NOT_FOUND`, `INVALID_VALUE`, `LOOP_TOO_SHORT`, `NO_TAPE`, `TOO_MANY_SESSIONS`, `UNAVAILABLE`.
   */
  async open(id: string | undefined, options: NewSessionOptions = {}): Promise<OpenResult> {
    if (id !== undefined && !isSessionId(id)) {
      throw new RefusedError(refuse("INVALID_VALUE", `${id} is not a valid session id.`));
    }
    const sessionId = id ?? randomUUID();
    const { record, ...rest } = await this.#store.lookUp(sessionId);
    if (record !== undefined) return { ...(await this.#touch({ record, ...rest })), created: false };
    const init = orThrow(await newSession(sessionId, options, { now: rest.now, ttl: this.#ttl }, this.#tapes));
    const opened = await this.#store.create(init);
    if (opened.created) {
      const { mode, tape, state } = opened.record;
      this.#log.info({ session: sessionId, mode, tape, state }, "session created");
      await this.#afterwards(sessionId, "requesting its ticker", () => this.#requestTicker(opened.record));
    }
    return opened;
  }

  /** The session with that id. Does not extend its life: the caller reports its sockets, which does. Rejects with `SESSION_NOT_FOUND` and `UNAVAILABLE`. */
  async join(id: string): Promise<StoredSession> {
    const found = await this.#store.read(id);
    if (found === undefined) throw notFound(id);
    return found;
  }

  async #touch(found: StoredSession): Promise<StoredSession> {
    await this.#store.touch(found.record.id);
    return { ...found, record: withActivity(found.record, found.now) };
  }

  /**
   * Applies a command to a session as it is now: read, resolve, apply, write if the revision is unchanged, and notify the ticker.
   * `global` is created on demand. Rejects with the command's refusal, `SESSION_NOT_FOUND` or `BUSY`, and then nothing was
   * changed; with `UNAVAILABLE` it may have been, if Redis went away before it could reply.
   *
   * Orders and searches for events run one at a time for each requester, and are aborted when the requester has gone.
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
    for (let attempt = 1; attempt <= maxAttempts; attempt++) {
      const began = performance.now();
      const performed = await this.#attempt(id, command, aheadMs, signal);
      if (typeof performed !== "string") return performed;
      if (performed === "too late") aheadMs = writeLeadMs + 2 * (performance.now() - began);
      else await delay(Math.random() * 2 * attempt);
    }
    throw new RefusedError(refuse("BUSY", `Session ${id} has too many concurrent changes. Nothing was changed.`));
  }

  /**
   * Adds to a session's log of trading actions what `plan` makes of the session as it is at the moment. Nothing else of it changes. Rejects
   * as `perform` does, and as `plan` does.
   */
  async appendActions(id: string, plan: PlanActions): Promise<CommandResult> {
    let aheadMs = 0;
    for (let attempt = 1; attempt <= maxAttempts; attempt++) {
      const began = performance.now();
      const found = await this.#find(id, true);
      const performed = await this.#holding(found, () => this.#append(found, plan, aheadMs));
      if (typeof performed !== "string") return performed;
      if (performed === "too late") aheadMs = 2 * (performance.now() - began);
      else await delay(Math.random() * 2 * attempt);
    }
    throw new RefusedError(refuse("BUSY", `Session ${id} has too many concurrent changes. Nothing was changed.`));
  }

  async #append(
    { record: before, now, connections, heldUntil }: FoundSession,
    plan: PlanActions,
    aheadMs: number,
  ): Promise<CommandResult | "conflict" | "too late"> {
    const planned = await plan(before, now, aheadMs);
    if (planned === undefined) return { record: before, now, connections, changed: false, before };
    const { chain, added, by, reacting } = planned;
    const seen = reacting && { tape: reacting.tape, orderSeq: reacting.order.seq };
    const after = { ...before, chain, ...seen, rev: before.rev + 1, lastActivity: Math.floor(now) };
    const order = reacting?.order;
    const outcome = await this.#store.replace(before, after, "acted", { actions: added, order, by: heldUntil ?? by });
    if (outcome === "conflict" || outcome === "too late") return outcome;
    if (outcome === "gone") throw notFound(before.id);
    await this.#afterwards(before.id, "notifying its ticker", () =>
      this.#notifyTicker(before, after, { type: "start" }, outcome.message, now),
    );
    return { record: after, now, connections, changed: true, before };
  }

  /** Deletes a session; false if there is none. Its sockets close, its ticker stops. */
  async remove(id: string): Promise<boolean> {
    const deleted = await this.#store.delete(id);
    if (deleted === undefined) return false;
    this.#log.info({ session: id }, "session deleted");
    const message = `${stateHead("D", deleted.rev, deleted.epoch, 0, "deleted")}${JSON.stringify({ id })}`;
    await this.#afterwards(id, "releasing its feed", () => this.#releaseFeed(deleted));
    await this.#afterwards(id, "notifying its ticker", async () => {
      if (deleted.ticker !== "") await this.#publish(deleted.ticker, message);
    });
    return true;
  }

  async #attempt(
    id: string,
    command: Command | SystemCommand,
    aheadMs: number,
    signal?: AbortSignal,
  ): Promise<CommandResult | "conflict" | "too late"> {
    const found = await this.#find(id, !isSystemCommand(command));
    return await this.#holding(found, () => this.#change(found, command, aheadMs, signal));
  }

  async #change(
    { record: before, now, connections, heldUntil }: FoundSession,
    command: Command | SystemCommand,
    aheadMs: number,
    signal?: AbortSignal,
  ): Promise<CommandResult | "conflict" | "too late"> {
    const { id } = before;
    const leaves = command.type === "mode" && command.mode !== "LIVE";
    if (waitsForItsTape(before) && !isSystemCommand(command) && !leaves) {
      // Without viewers, no gateway has switched it to the tape that its feed has begun meanwhile; the command refers to that.
      const tuned = await this.#attempt(id, { type: "tune" }, 0);
      if (typeof tuned === "string" || tuned.changed) return "conflict";
    }
    const resolved = orThrow(await resolve(before, command, now, this.#tapes, { aheadMs, signal }));
    const applied = orThrow(apply(before, resolved.command, resolved.moment));
    const isActivity = !isSystemCommand(command);
    if (applied === before) {
      if (isActivity) await this.#store.touch(id);
      return { record: isActivity ? withActivity(before, now) : before, now, connections, changed: false, before };
    }
    signal?.throwIfAborted();
    const { after, branch } = await rewindChain(before, applied, resolved.moment, {
      actions: (from, to) => this.#store.actions(id, from, to),
      undo: (tape, until) => this.#tapes.undo(tape, until),
    });
    const ended = epochEndedBy(before, after, resolved.moment.here);
    const order = resolved.command.type === "order" ? resolved.command.forked.order : undefined;
    const outcome = await this.#store.replace(before, after, causeOf(resolved.command), {
      renewsTtl: isActivity,
      ended,
      order,
      branch,
      by: heldUntil ?? resolved.by,
    });
    if (outcome === "conflict" || outcome === "too late") return outcome;
    if (outcome === "gone") throw notFound(id);
    const level = isActivity ? "info" : "debug";
    this.#log[level]({ session: id, command: command.type, rev: after.rev, epoch: after.epoch }, "session changed");
    const moved = before.state !== after.state || before.mode !== after.mode;
    await Promise.all([
      this.#afterwards(id, "notifying its ticker", () =>
        this.#notifyTicker(before, after, command, outcome.message, now),
      ),
      isActivity || moved ? this.#afterwards(id, "updating its index", () => this.#store.reindex(after)) : undefined,
      after.mode !== "LIVE" ? this.#afterwards(id, "releasing its feed", () => this.#releaseFeed(before)) : undefined,
    ]);
    return { record: after, now, connections, changed: true, before };
  }

  async #find(id: string, creates: boolean): Promise<FoundSession> {
    const stored = await this.#store.read(id);
    if (stored !== undefined) return isPaced(stored.record) ? await this.#hold(stored) : stored;
    if (id === globalSessionId && creates) {
      return await this.open(id);
    }
    throw notFound(id);
  }

  /** Readers may move its playhead thousands of times a second: it stands while a command is resolved and written. */
  async #hold({ record }: StoredSession): Promise<FoundSession> {
    const held = await this.#store.hold(record.id);
    if (held === undefined) throw notFound(record.id);
    const { heldUntil, ...stored } = held;
    return heldUntil > 0 ? { ...stored, heldUntil } : stored;
  }

  /** Makes a change, and lets the playhead go again if nothing was written, which would have ended the hold. */
  async #holding(
    { record, heldUntil }: FoundSession,
    change: () => Promise<CommandResult | "conflict" | "too late">,
  ): Promise<CommandResult | "conflict" | "too late"> {
    if (heldUntil === undefined) return await change();
    let written = false;
    try {
      const performed = await change();
      written = typeof performed !== "string" && performed.changed;
      return performed;
    } finally {
      if (!written) {
        await this.#afterwards(record.id, "letting its playhead go", () => this.#store.releaseHold(record, heldUntil));
      }
    }
  }

  /**
   * Sends the change to the ticker that has claimed the session, unless that ticker made it; if no ticker receives it, requests one.
   * For a session that was waiting for a ticker already, no other is requested.
   */
  async #notifyTicker(
    before: SessionRecord,
    after: SessionRecord,
    command: Command | SystemCommand,
    message: string,
    now: WallMs,
  ): Promise<void> {
    const issuer = "node" in command ? command.node : undefined;
    const receivers =
      hasLiveTicker(before, now) && before.ticker !== issuer ? await this.#publish(before.ticker, message) : 0;
    const served = receivers > 0 || (issuer !== undefined && after.ticker === issuer);
    // A gateway that wraps a loop renders it in place of a silent ticker, whose job another one will get.
    const waiting = needsTicker(before) && (before.ticker === "" || command.type === "wrap");
    if (!served && !waiting) await this.#requestTicker(after);
  }

  async #releaseFeed(before: SessionRecord): Promise<void> {
    if (before.mode === "LIVE") await this.#feeds.releaseFeed(feedUserOf(before));
  }

  async #publish(ticker: string, message: string): Promise<number> {
    return await publish(this.#store.redis, this.#store.keys.tickerChannel(ticker), message);
  }

  async #requestTicker(session: SessionRecord): Promise<void> {
    if (needsTicker(session)) await this.#tickerQueue.request(session);
  }

  /** The change is written; maintenance repairs within seconds what fails here, so the caller gets no error. */
  async #afterwards(sessionId: string, what: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#log.warn({ err: error, session: sessionId }, `${what} failed; maintenance will repair it`);
    }
  }
}

/** A session after activity that changes nothing else. */
function withActivity(record: SessionRecord, now: WallMs): SessionRecord {
  return { ...record, lastActivity: Math.floor(now) };
}

function withDefault(tapes: Omit<Tapes, "live">, defaultTape: string | undefined): Omit<Tapes, "live"> {
  return {
    open: (id) => tapes.open(id),
    choose: (selector) => tapes.choose(selector, defaultTape),
    fork: (tape, session, order) => tapes.fork(tape, session, order),
    undo: (tape, until) => tapes.undo(tape, until),
  };
}

interface FeedRequest {
  readonly source: string;
  readonly symbol: string;
  readonly user: FeedUser;
  readonly current: "current" | undefined;
}

async function openLiveTape(
  { source, symbol, user, current }: FeedRequest,
  feeds: Feeds,
  tapes: Pick<Tapes, "open">,
): Promise<SeekableTape | undefined> {
  try {
    await orUnavailable(feeds.requestFeed(source, symbol, user));
  } catch (error) {
    const refused = error instanceof RefusedError && error.status !== 503;
    if (!refused || current === undefined) throw error;
  }
  const name = await orUnavailable(feeds.tapeOf(source, symbol));
  return name === "" ? undefined : await openIfExists(name, tapes);
}

function orThrow<T extends object>(value: T | Refusal): T {
  if (isRefusal(value)) throw new RefusedError(value);
  return value;
}

function notFound(id: string): RefusedError {
  return new RefusedError(sessionNotFound(id));
}

export function isSessionNotFound(error: unknown): boolean {
  return error instanceof RefusedError && error.code === "SESSION_NOT_FOUND";
}
