import type { RefusalCode } from "@tapedeck/matching";
import {
  RefusedError,
  refuse,
  type SessionAccount,
  type SessionFill,
  type SessionOrder,
  sessionNotFound,
  type TradingSettings,
} from "@tapedeck/protocol";
import {
  isMoving,
  type LeftBranch,
  positionAt,
  type SessionRecord,
  type SessionService,
  type SessionStore,
} from "@tapedeck/sessions";
import { type Seq, type Tape, type TapeCatalog, TrackNotFound } from "@tapedeck/tape";
import { LRUCache } from "lru-cache";
import pLimit, { type LimitFunction } from "p-limit";
import { ActionChains } from "./actions/action-chains.js";
import { hasImpact, settledOrder } from "./actions/market-impact.js";
import { type ActionRequest, bodyOf, type OrderRequest, planAction } from "./actions/plan-action.js";
import { type CheckpointPace, SessionCheckpoints } from "./checkpoint/session-checkpoints.js";
import { EventWindows } from "./events/event-windows.js";
import { accountView } from "./ledger/account-view.js";
import type { TradingMessage } from "./ledger/ledger.js";
import { isOpen } from "./ledger/order-entry.js";
import type { ChainReplay, Outcome, ShownMessage } from "./replay/chain-replay.js";
import { hasActions, SessionReplays, type TradingRecord } from "./replay/session-replays.js";
import { type ChainSettings, decodeSettings, emptyAccount, settingsAsked, settingsFor } from "./settings.js";

interface TradingOptions {
  readonly store: SessionStore;
  readonly sessions: Pick<SessionService, "appendActions">;
  readonly tapes: Pick<TapeCatalog, "open" | "react">;
  /** Absent: the usual pace. */
  readonly checkpoints?: CheckpointPace;
}

/** A session's trading with a frame: everything that has happened at the venue until then. */
export interface Standing {
  readonly seq: Seq;
  /** Oldest first; those that have not arrived are `PENDING`. */
  readonly orders: readonly SessionOrder[];
  /** Of these, those that may still change. */
  readonly open: readonly SessionOrder[];
  /** Oldest first. */
  readonly fills: readonly SessionFill[];
  readonly account: SessionAccount;
}

/** What became of an action. */
export interface Performed {
  readonly record: SessionRecord;
  /** The action's number; an order has it as its id. */
  readonly number: number;
  /** What becomes of it when it arrives, if that had to be known before. */
  readonly foreseen?: Outcome | undefined;
}

export interface PerformedOrder extends Performed {
  readonly order: SessionOrder;
  /** Whether `order` says what became of the action. */
  readonly arrived: boolean;
}

/** How far ahead of the playhead the answer to an action may look for its arrival: it is sent that far ahead itself, and travels. Wall time. */
const aheadOfPlayheadMs = 50;

/** How much further ahead an action is sent of which it must be known before what it takes. Wall time. */
const foresightMs = 15;

/** Sessions whose replays are kept: each has a book of its own. */
const keptSessions = 500;

interface SessionEntry {
  readonly chains: ActionChains;
  readonly replays: SessionReplays;
  /** Actions of this process are written one after the other, or they would only get in each other's way. */
  readonly acting: LimitFunction;
}

/**
 * Trading of sessions: what their users send is a log in Redis, and orders, fills and accounts are what the matching engine makes of it and of the
 * tape. So every process that has one of these computes the same, and nothing is lost with a process. One per process.
 * `docs/spec/trading.md` has the rules. All methods reject with `UNAVAILABLE` while Redis or the tape store is away.
 */
export class Trading {
  readonly #options: TradingOptions;
  readonly #windows = new EventWindows();
  readonly #sessions = new LRUCache<string, SessionEntry>({ max: keptSessions });

  constructor(options: TradingOptions) {
    this.#options = options;
  }

  /** The settings of the session's orders, and the tape that they are of; undefined without one that takes orders. */
  async settings(record: SessionRecord): Promise<{ settings: TradingSettings; chain: ChainSettings | undefined }> {
    const settings = await this.#settingsOf(record);
    if (record.tape === "") return { settings: settingsAsked(settings), chain: undefined };
    if (settings?.tape === record.tape) return { settings: settings.settings, chain: settings };
    const wanted = settingsAsked(settings);
    try {
      const chain = await settingsFor(await this.#options.tapes.open(record.tape), wanted);
      return { settings: chain.settings, chain };
    } catch (error) {
      if (error instanceof TrackNotFound) return { settings: wanted, chain: undefined };
      throw error;
    }
  }

  /**
   * Sets how the session's orders meet its tape. Rejects with `HAS_ORDERS` once there is an order, with `NO_TAPE`, `TRACK_NOT_FOUND`,
   * `INVALID_VALUE` for settings that do not fit the tape, `SESSION_NOT_FOUND` and `BUSY`.
   */
  async configure(id: string, settings: TradingSettings): Promise<SessionRecord> {
    const { acting } = this.#entry(await this.#read(id));
    return acting(async () => {
      const { record } = await this.#options.sessions.appendActions(id, async (session) => {
        if (hasActions(session)) throw hasOrders(id);
        const tape = await this.#open(session);
        return planAction({
          session,
          chain: await settingsFor(tape, settings),
          startsAnew: true,
          count: await this.#options.store.actionCount(id),
        });
      });
      return record;
    });
  }

  /**
   * Sends an order, a cancellation or a replacement to the venue, at the place where the playhead will be in a moment. What becomes of it is known
   * when it arrives. Rejects with `ORDER_NOT_FOUND`, `ORDER_NOT_OPEN`, `TOO_MANY_ORDERS`, and as `configure` does.
   */
  async act(id: string, request: ActionRequest): Promise<Performed> {
    const { acting } = this.#entry(await this.#read(id));
    return acting(async () => {
      let number = 0;
      let foreseen: Outcome | undefined;
      if (takesPerhaps(request)) await this.#getReady(id);
      const { record } = await this.#options.sessions.appendActions(id, async (session, now, aheadMs) => {
        const [tape, known, count] = await Promise.all([
          this.#open(session),
          this.#settingsOf(session),
          this.#options.store.actionCount(id),
        ]);
        const fits = known !== undefined && (known.tape === tape.id || hasActions(session));
        const chain = fits ? known : await settingsFor(tape, settingsAsked(known));
        const body = await bodyOf(request, chain, async (orderId) => {
          if (!hasActions(session)) return undefined;
          const { seq } = await positionAt(session, now, tape);
          return this.#entry(session).replays.read(session, tape, { seq }, ({ ledger }) => ledger.orders.get(orderId));
        });
        const reacts = takesPerhaps(request) && hasImpact(session, tape, chain);
        const laterMs = aheadMs + (reacts ? foresightMs : 0);
        const planned = planAction({ session, chain, startsAnew: !fits, count, body, tape, now, laterMs });
        number = planned.chain.head;
        foreseen = undefined;
        if (!reacts) return planned;
        const { ns: sent, tag } = planned.chain;
        const next = { number, tag, sentNs: tape.startNs + BigInt(sent), body };
        const { seq } = await positionAt(session, now, tape);
        foreseen = await this.#entry(session).replays.foresee(session, tape, seq, { settings: chain, next });
        if (foreseen === undefined) return { ...planned, by: 1 }; // its place has passed: a later one is tried
        const { atNs, onArrival: said } = foreseen;
        const settled = await settledOrder(session, tape, chain.decimals, { sent, atNs, said });
        if (settled === undefined) return planned;
        return { ...planned, reacting: await this.#options.tapes.react(session.tape, id, settled) };
      });
      return { record, number, foreseen };
    });
  }

  /** Reads what the market will be like before it is said where an action is sent: the first time that takes a while. */
  async #getReady(id: string): Promise<void> {
    const session = await this.#read(id);
    if (session.mode !== "SIMULATION" || session.tape === "") return;
    const known = await this.#settingsOf(session);
    const tape = await this.#open(session);
    const fits = known !== undefined && (known.tape === tape.id || hasActions(session));
    const settings = fits ? known : await settingsFor(tape, settingsAsked(known));
    if (!hasImpact(session, tape, settings)) return;
    const place = await positionAt(session, await this.#options.store.now(), tape);
    await this.#entry(session).replays.getReady(session, tape, place.seq, settings);
  }

  /**
   * The same, and the order as it is when the action has arrived, if that is at most some milliseconds ahead of the playhead; otherwise as it is at
   * the playhead. Rejects as `act` does, and where the venue refuses a cancellation or a replacement.
   */
  async perform(id: string, request: OrderRequest): Promise<PerformedOrder> {
    const { record, number, foreseen } = await this.act(id, request);
    const orderId = request.kind === "place" ? `${number}` : request.orderId;
    const tape = await this.#open(record);
    const place = await positionAt(record, await this.#options.store.now(), tape);
    const aheadNs = Math.ceil(place.ns + aheadOfPlayheadMs * 1e6 * record.speed);
    return this.#entry(record).replays.read(record, tape, { seq: place.seq }, async (replay) => {
      const order = replay.ledger.orders.get(orderId);
      if (order === undefined) throw new RangeError(`order ${orderId} is not in its own session, ${id}`);
      if (!isMoving(record)) return { record, number, order: replay.ledger.view(order), arrived: false };
      const untilNs = tape.startNs + BigInt(aheadNs);
      const isKnown = foreseen !== undefined && foreseen.atNs <= untilNs;
      const outcome = isKnown ? foreseen : await replay.outcomeOf(number, untilNs);
      if (outcome === undefined) return { record, number, order: replay.ledger.view(order), arrived: false };
      const refused = outcome.onArrival.find((output) => output.kind === "refused");
      if (refused !== undefined && request.kind !== "place")
        throw new RefusedError(refuse(refusalOf(refused.code), `${refused.message}. Nothing was changed.`));
      return {
        record,
        number,
        order: replay.ledger.after(order, [...outcome.before, ...outcome.onArrival]),
        arrived: true,
      };
    });
  }

  /** A session's trading with frame `seq` of its tape; undefined without a tape that takes orders. */
  async at(record: SessionRecord, seq: Seq): Promise<Standing | undefined> {
    if (record.tape === "") return undefined;
    if (!hasActions(record)) {
      const { chain } = await this.settings(record);
      return chain && { seq, orders: [], open: [], fills: [], account: emptyAccount(chain) };
    }
    return this.#look(record, await this.#options.tapes.open(record.tape), seq, (replay) => standingOf(replay));
  }

  /**
   * What the owner is told with the frames after `from` up to `to`, in its order: each change of an order, and each fill. Of a session without
   * actions nothing, at once.
   *
   * @param opened the session's tape, if the caller has it open
   */
  async between(record: TradingRecord, from: Seq, to: Seq, opened?: Tape): Promise<readonly TradingMessage[]> {
    if (!hasActions(record) || from >= to) return nothing;
    const tape = opened ?? (await this.#options.tapes.open(record.tape));
    return this.#entry(record).replays.read(record, tape, { seq: to, after: from }, ({ messages }) =>
      messagesBetween(messages, from, to),
    );
  }

  /** What rewinds undid, newest first. */
  async branches(id: string): Promise<LeftBranch[]> {
    return this.#options.store.branches(id);
  }

  /** The trading of a branch as it was when it was left; rejects with `BRANCH_NOT_FOUND`. */
  async branchAt(record: SessionRecord, branchId: string): Promise<{ branch: LeftBranch; standing: Standing }> {
    const branch = (await this.branches(record.id)).find(({ id }) => id === branchId);
    if (branch === undefined)
      throw new RefusedError(refuse("BRANCH_NOT_FOUND", `Session ${record.id} has no branch ${branchId}.`));
    const { tape, root, head, tag, ns, seq } = branch;
    const left = { ...record, tape, chain: { root, head, tag, ns }, rev: -1 };
    const opened = await this.#options.tapes.open(tape);
    return { branch, standing: await this.#look(left, opened, seq, (replay) => standingOf(replay)) };
  }

  /** With a frame, and no later one. */
  #look<T>(record: TradingRecord, tape: Tape, seq: Seq, look: (replay: ChainReplay) => T): Promise<T> {
    return this.#entry(record).replays.read(record, tape, { seq, exactly: true }, look);
  }

  async #settingsOf(record: TradingRecord): Promise<ChainSettings | undefined> {
    if (record.chain === null) return undefined;
    return decodeSettings((await this.#entry(record).chains.root(record.chain)).body);
  }

  async #open({ id, tape }: TradingRecord): Promise<Tape> {
    if (tape !== "") return this.#options.tapes.open(tape);
    throw new RefusedError(refuse("NO_TAPE", `Session ${id} has no tape to trade on. Nothing was changed.`));
  }

  async #read(id: string): Promise<SessionRecord> {
    const found = await this.#options.store.read(id);
    if (found === undefined) throw new RefusedError(sessionNotFound(id));
    return found.record;
  }

  #entry({ id, createdAt }: Pick<TradingRecord, "id" | "createdAt">): SessionEntry {
    const key = `${id} ${createdAt}`;
    const known = this.#sessions.get(key);
    if (known !== undefined) return known;
    const { store, checkpoints: pace } = this.#options;
    const chains = new ActionChains(id, store);
    const checkpoints = new SessionCheckpoints({ id, createdAt }, store.checkpoints, pace);
    const replays = new SessionReplays(chains, this.#windows, checkpoints);
    const entry = { chains, replays, acting: pLimit(1) };
    this.#sessions.set(key, entry);
    return entry;
  }
}

const nothing: readonly TradingMessage[] = [];

/** Of messages in the order of their frames, those of the frames after `from` up to `to`. They are among the last ones, nearly always. */
function messagesBetween(messages: readonly ShownMessage[], from: Seq, to: Seq): TradingMessage[] {
  const start = messages.findLastIndex(({ seq }) => seq <= from) + 1;
  const found: TradingMessage[] = [];
  for (const { seq, message } of messages.slice(start)) if (seq <= to) found.push(message);
  return found;
}

function takesPerhaps({ kind }: ActionRequest): boolean {
  return kind === "place" || kind === "replace";
}

function standingOf({ ledger, seq, account, lastPrice, settings }: ChainReplay): Standing {
  const all = [...ledger.orders.values()];
  return {
    seq,
    orders: all.map((entry) => ledger.view(entry)),
    open: all.filter(isOpen).map((entry) => ledger.view(entry)),
    fills: [...ledger.fills],
    account: accountView(account, lastPrice, settings.decimals),
  };
}

/** The code of our own for what the venue says of a cancellation or a replacement. */
function refusalOf(code: RefusalCode) {
  return code === "UNKNOWN_ORDER" || code === "NOT_RESTING" ? "ORDER_NOT_OPEN" : "INVALID_VALUE";
}

function hasOrders(id: string): RefusedError {
  return new RefusedError(
    refuse(
      "HAS_ORDERS",
      `Session ${id} has orders; its settings can be changed after a rewind to before the first one. Nothing was changed.`,
    ),
  );
}
