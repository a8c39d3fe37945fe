import type { RefusalCode } from "@tapedeck/matching";
import {
  type OrderListBody,
  RefusedError,
  refuse,
  type SessionOrder,
  type TapeNs,
  type TradingSettings,
  type TradingSettingsChange,
} from "@tapedeck/protocol";
import {
  isMoving,
  type LeftBranch,
  positionAt,
  type SessionRecord,
  type SessionService,
  type SessionStore,
} from "@tapedeck/sessions";
import { type Seq, type Tape, type TapeCatalog, type TapePosition, TrackNotFound } from "@tapedeck/tape";
import { hasImpact, settledOrder } from "./actions/market-impact.js";
import { type ActionRequest, bodyOf, hasOrders, type OrderRequest, planAction } from "./actions/plan-action.js";
import { sentBefore } from "./actions/sent-once.js";
import type { CheckpointPace } from "./checkpoint/session-checkpoints.js";
import type { TradingMessage } from "./ledger/ledger.js";
import {
  balanceOf,
  type OrderName,
  type OrderStanding,
  orderOf,
  type Standing,
  standingOf,
} from "./ledger/standing.js";
import type { ChainReplay } from "./replay/chain-replay.js";
import type { Outcome } from "./replay/look-ahead.js";
import { hasActions, type TradingRecord } from "./replay/session-replays.js";
import { type ChainSettings, changedSettings, emptyAccount, settingsAsked, settingsFor } from "./settings.js";
import { type TradedSession, TradedSessions } from "./traded-sessions.js";

interface TradingOptions {
  readonly store: SessionStore;
  readonly sessions: Pick<SessionService, "appendActions">;
  readonly tapes: Pick<TapeCatalog, "open" | "react">;
  /** Absent: the usual pace. */
  readonly checkpoints?: CheckpointPace;
  /** Lines that a session's log may have; absent: as many as one likes. */
  readonly mostActions?: number | undefined;
}

/** What the owner learns of. */
export interface Told {
  readonly messages: readonly TradingMessage[];
  /** Up to where these are all. On a tape that grows that is a frame, though a later place was asked for. */
  readonly place: TapePosition;
  /** In nanoseconds since the tape's start: before then there is nothing more, unless an action is sent or the tape grows. Undefined: never. */
  readonly nextNs: TapeNs | undefined;
  /** When the owner knows what became of the action that was asked for, on its arrival, in the same time; undefined while it has not arrived. */
  readonly answeredNs: TapeNs | undefined;
}

/** What became of an action. */
export interface Performed {
  readonly record: SessionRecord;
  /** The action's number; an order has it as its id. */
  readonly number: number;
  /** What becomes of it when it arrives, if that had to be known before. */
  readonly foreseen?: Outcome | undefined;
}

interface ActOptions {
  readonly known?: SessionRecord;
  readonly written?: (record: SessionRecord) => void;
  /** An order, or a list, whose name the session's chain has already is not sent again: what was sent then is what was performed. */
  readonly once?: boolean;
}

export interface PerformedOrder extends Performed {
  readonly order: SessionOrder;
  /** Whether `order` says what became of the action. */
  readonly arrived: boolean;
}

export interface PerformedList extends Performed {
  /** Of the list, in the order in which they were sent. */
  readonly orders: readonly SessionOrder[];
  readonly arrived: boolean;
}

/** How far ahead of the playhead the answer to an action may look for its arrival: it is sent that far ahead itself, and travels. Wall time. */
const aheadOfPlayheadMs = 50;

/** How much further ahead an action is sent of which it must be known before what it takes. Wall time. */
const foresightMs = 15;

/**
 * Trading of sessions: what their users send is a log in Redis, and orders, fills and accounts are what the matching engine makes of it and of the
 * tape. So every process that has one of these computes the same, and nothing is lost with a process. One per process.
 * `docs/spec/trading.md` has the rules. All methods reject with `UNAVAILABLE` while Redis or the tape store is away.
 */
export class Trading {
  readonly #options: TradingOptions;
  readonly #sessions: TradedSessions;

  constructor(options: TradingOptions) {
    this.#options = options;
    this.#sessions = new TradedSessions(options);
  }

  /** The settings of the session's orders, and the tape that they are of; undefined without one that takes orders. */
  async settings(record: SessionRecord): Promise<{ settings: TradingSettings; chain: ChainSettings | undefined }> {
    const settings = await this.#sessions.settings(record);
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
  configure(id: string, settings: TradingSettings): Promise<SessionRecord> {
    return this.#beginWith(id, (tape) => settingsFor(tape, settings));
  }

  /** Changes some of them, and leaves the others as they are. Rejects as `configure` does. */
  adjust(id: string, change: TradingSettingsChange): Promise<SessionRecord> {
    return this.#beginWith(id, (tape, known) => changedSettings(tape, known, change));
  }

  async #beginWith(
    id: string,
    settingsOf: (tape: Tape, known: ChainSettings | undefined) => Promise<ChainSettings>,
  ): Promise<SessionRecord> {
    const { acting } = this.#sessions.of(await this.#sessions.read(id));
    return acting(async () => {
      const { record } = await this.#options.sessions.appendActions(id, async (session) => {
        if (hasActions(session)) throw hasOrders(id);
        const tape = await this.#sessions.open(session);
        return planAction({
          session,
          chain: await settingsOf(tape, await this.#sessions.settings(session)),
          startsAnew: true,
          count: await this.#options.store.actionCount(id),
          mostActions: this.#options.mostActions,
        });
      });
      return record;
    });
  }

  /**
   * Sends an order, a cancellation or a replacement to the venue, at the place where the playhead will be in a moment. What becomes of it is known
   * when it arrives. Rejects with `ORDER_NOT_FOUND`, `ORDER_NOT_OPEN`, `TOO_MANY_ORDERS`, and as `configure` does.
   *
   * @param known the session as the caller knows it, which saves reading it
   * @param written learns of the session with the action, before `beingWritten` no longer names it
   */
  async act(id: string, request: ActionRequest, { known, written, once = false }: ActOptions = {}): Promise<Performed> {
    const session = known ?? (await this.#sessions.read(id));
    const entry = this.#sessions.of(session);
    return entry.acting(async () => {
      try {
        if (takesPerhaps(request) && session.mode === "SIMULATION") await this.#getReady(id);
        const performed = await this.#act(id, request, entry, once);
        written?.(performed.record);
        return performed;
      } finally {
        entry.writing = undefined;
      }
    });
  }

  async #act(id: string, request: ActionRequest, entry: TradedSession, once: boolean): Promise<Performed> {
    let number = 0;
    let foreseen: Outcome | undefined;
    const { record } = await this.#options.sessions.appendActions(id, async (session, now, aheadMs) => {
      const [tape, known, count] = await Promise.all([
        this.#sessions.open(session),
        this.#sessions.settings(session),
        this.#options.store.actionCount(id),
      ]);
      const fits = known !== undefined && (known.tape === tape.id || hasActions(session));
      const chain = fits ? known : await settingsFor(tape, settingsAsked(known));
      const body = await bodyOf(request, chain, async (orderId) => {
        if (!hasActions(session)) return undefined;
        const { seq } = await positionAt(session, now, tape);
        return this.#sessions
          .of(session)
          .replays.read(session, tape, { seq }, ({ ledger }) => ledger.orders.get(orderId));
      });
      // With the chain that this action would follow: the script writes nothing if it is another one by then.
      const before = once ? await sentBefore(body, session.chain, this.#sessions.of(session).chains) : undefined;
      foreseen = undefined;
      if (before !== undefined) {
        number = before.number;
        return undefined;
      }
      const reacts = takesPerhaps(request) && hasImpact(session, tape, chain);
      const laterMs = aheadMs + (reacts ? foresightMs : 0);
      const { mostActions } = this.#options;
      const planned = planAction({ session, chain, startsAnew: !fits, count, mostActions, body, tape, now, laterMs });
      number = planned.number;
      entry.writing = planned.chain.ns;
      if (!reacts) return planned;
      const { ns: sent, tag } = planned.chain;
      const next = { number, tag, sentNs: tape.startNs + BigInt(sent), body };
      const { seq } = await positionAt(session, now, tape);
      foreseen = await this.#sessions.of(session).replays.foresee(session, tape, seq, { settings: chain, next });
      if (foreseen === undefined) return { ...planned, by: 1 }; // its place has passed: a later one is tried
      const { atNs, onArrival: said } = foreseen;
      const settled = await settledOrder(session, tape, chain.decimals, { sent, atNs, said });
      if (settled === undefined) return planned;
      return { ...planned, reacting: await this.#options.tapes.react(session.tape, id, settled) };
    });
    return { record, number, foreseen };
  }

  /** Reads what the market will be like before it is said where an action is sent: the first time that takes a while. */
  async #getReady(id: string): Promise<void> {
    const session = await this.#sessions.read(id);
    if (session.mode !== "SIMULATION" || session.tape === "") return;
    const known = await this.#sessions.settings(session);
    const tape = await this.#sessions.open(session);
    const fits = known !== undefined && (known.tape === tape.id || hasActions(session));
    const settings = fits ? known : await settingsFor(tape, settingsAsked(known));
    if (!hasImpact(session, tape, settings)) return;
    const place = await positionAt(session, await this.#options.store.now(), tape);
    await this.#sessions.of(session).replays.getReady(session, tape, place.seq, settings);
  }

  /**
   * The same, and the order as it is when the action has arrived, if that is at most some milliseconds ahead of the playhead; otherwise as it is at
   * the playhead. Rejects as `act` does, and where the venue refuses a cancellation or a replacement.
   */
  async perform(id: string, request: OrderRequest, options?: Pick<ActOptions, "once">): Promise<PerformedOrder> {
    const performed = await this.act(id, request, options);
    const orderId = request.kind === "place" ? `${performed.number}` : request.orderId;
    const { orders, refused, arrived } = await this.#outcome(performed, [orderId]);
    if (refused !== undefined && request.kind !== "place")
      throw new RefusedError(refuse(refusalOf(refused.code), `${refused.message}. Nothing was changed.`));
    const [order] = orders;
    if (order === undefined) throw new RangeError(`order ${orderId} is not in its own session, ${id}`);
    return { ...performed, order, arrived };
  }

  /** Sends orders that depend on each other, all or none. The same for them. Rejects as `act` does. */
  async performList(id: string, list: OrderListBody, options?: Pick<ActOptions, "once">): Promise<PerformedList> {
    const performed = await this.act(id, { kind: "place-list", list }, options);
    const count = list.others.length + (list.first === undefined ? 0 : 1);
    const ids = Array.from({ length: count }, (_, at) => `${performed.number + at}`);
    return { ...performed, ...(await this.#outcome(performed, ids)) };
  }

  /** Orders as they are when an action has arrived, if it is known by then, and whether it was refused there. */
  async #outcome({ record, number, foreseen }: Performed, orderIds: readonly string[]) {
    const tape = await this.#sessions.open(record);
    const place = await positionAt(record, await this.#options.store.now(), tape);
    const aheadNs = Math.ceil(place.ns + aheadOfPlayheadMs * 1e6 * record.speed);
    return this.#sessions.of(record).replays.read(record, tape, { seq: place.seq }, async (replay) => {
      const { ledger } = replay;
      const entries = orderIds.map((each) => ledger.orders.get(each)).filter((each) => each !== undefined);
      const now = () => ({ orders: entries.map((each) => ledger.view(each)), refused: undefined, arrived: false });
      if (!isMoving(record)) return now();
      const untilNs = tape.startNs + BigInt(aheadNs);
      const isKnown = foreseen !== undefined && foreseen.atNs <= untilNs;
      const outcome = isKnown ? foreseen : await replay.outcomeOf(number, untilNs);
      if (outcome === undefined) return now();
      const refused = outcome.onArrival.find((output) => output.kind === "refused");
      const outputs = [...outcome.before, ...outcome.onArrival];
      return { orders: entries.map((each) => ledger.after(each, outputs)), refused, arrived: true };
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
    return this.#sessions
      .of(record)
      .replays.read(record, tape, { seq: to, after: from }, (replay) => replay.told.between(from, to));
  }

  /**
   * When the first action of the session was sent that comes after a known one, in nanoseconds since the tape's start; undefined without actions. Rejects
   * with `UNAVAILABLE`.
   *
   * @param known the known one's number
   */
  async sentAfter(record: TradingRecord, known: number | undefined): Promise<TapeNs | undefined> {
    const { chain } = record;
    return chain !== null && hasActions(record) ? this.#sessions.of(record).chains.sentAfter(chain, known) : undefined;
  }

  /** A session's trading at a place, which may be between two frames; undefined without a tape that takes orders. */
  async standing(record: SessionRecord, place: TapePosition): Promise<Standing | undefined> {
    return hasActions(record) ? this.#stand(record, place, standingOf) : this.at(record, place.seq);
  }

  /** Of that, the account and what is open, whatever the number of orders. */
  async balance(record: SessionRecord, place: TapePosition): Promise<Pick<Standing, "open" | "account"> | undefined> {
    return hasActions(record) ? this.#stand(record, place, balanceOf) : this.at(record, place.seq);
  }

  /** Of that, the last order with a name; undefined if there is none. */
  async order(record: SessionRecord, place: TapePosition, name: OrderName): Promise<OrderStanding | undefined> {
    return hasActions(record) ? this.#stand(record, place, (replay) => orderOf(replay, name)) : undefined;
  }

  /**
   * What the owner learns of from one place to another, both inclusive, as soon as it happens and not with a frame only, and when there may be more. Of a
   * session without actions nothing, at once.
   *
   * @param number of an action whose answer is waited for
   */
  async told(record: TradingRecord, from: TapePosition, to: TapePosition, number?: number): Promise<Told> {
    if (!hasActions(record)) return { messages: nothing, place: to, nextNs: undefined, answeredNs: undefined };
    const tape = await this.#options.tapes.open(record.tape);
    const at = (ns: number) => tape.startNs + BigInt(Math.floor(ns));
    const sinceStart = (ns: bigint) => Number(ns - tape.startNs);
    const reading = { seq: to.seq, ns: at(to.ns), after: Math.min(from.seq, to.seq) };
    return this.#sessions.of(record).replays.read(record, tape, reading, async (replay) => {
      const answeredNs = number === undefined ? undefined : replay.answeredNs(number);
      // Before its first frame nothing has happened.
      const reachedNs = replay.reachedNs < 0n ? to.ns : sinceStart(replay.reachedNs);
      return {
        messages: replay.told.toldBetween(at(from.ns), at(to.ns)),
        place: { seq: Math.min(to.seq, replay.seq), ns: Math.min(to.ns, reachedNs) },
        nextNs: sinceStart(await replay.nextNs(at(to.ns))),
        answeredNs: answeredNs === undefined ? undefined : sinceStart(answeredNs),
      };
    });
  }

  /**
   * The place on the tape, in nanoseconds since its start, of an action of the session that this process is writing at the moment. Whoever tells what has
   * happened goes no further until it is known whether it was written.
   */
  beingWritten(record: TradingRecord): TapeNs | undefined {
    return this.#sessions.known(record)?.writing;
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

  async #stand<T>(record: TradingRecord, { seq, ns }: TapePosition, look: (replay: ChainReplay) => T): Promise<T> {
    const tape = await this.#options.tapes.open(record.tape);
    const place = { seq, ns: tape.startNs + BigInt(Math.floor(ns)) };
    return this.#sessions.of(record).replays.read(record, tape, place, look);
  }

  /** With a frame, and no later one. */
  #look<T>(record: TradingRecord, tape: Tape, seq: Seq, look: (replay: ChainReplay) => T): Promise<T> {
    return this.#sessions.of(record).replays.read(record, tape, { seq, exactly: true }, look);
  }
}

const nothing: readonly TradingMessage[] = [];

function takesPerhaps({ kind }: ActionRequest): boolean {
  return kind === "place" || kind === "place-list" || kind === "replace";
}

/** The code of our own for what the venue says of a cancellation or a replacement. */
function refusalOf(code: RefusalCode) {
  return code === "UNKNOWN_ORDER" || code === "NOT_RESTING" ? "ORDER_NOT_OPEN" : "INVALID_VALUE";
}
