import { type AccountView, type Action, MatchingEngine, type Output, type TapeState } from "@tapedeck/matching";
import type { Seq, Tape } from "@tapedeck/tape";
import type { ActionBody } from "../actions/action-body.js";
import { bookDigest } from "../checkpoint/book-digest.js";
import type { EventSource, EventWindows } from "../events/event-windows.js";
import { firstFrameFrom, frameTime } from "../events/tape-clock.js";
import { Ledger, type LedgerState, type TradingMessage } from "../ledger/ledger.js";
import { type ChainSettings, engineSettings } from "../settings.js";
import { bookOf, startOf } from "./replay-start.js";

/** An action of a chain. */
export interface ChainAction {
  readonly number: number;
  readonly tag: string;
  /** Nanoseconds since 1970 on the tape's clock. */
  readonly sentNs: bigint;
  readonly body: ActionBody;
}

/** What the owner is told with a frame. */
export interface ShownMessage {
  readonly seq: Seq;
  readonly message: TradingMessage;
}

/** A message of which it is not known yet which frame is the first that may show it. */
interface Unheard {
  /** When the owner learns of it. */
  readonly heardNs: bigint;
  readonly message: TradingMessage;
  /** No frame before this one. */
  readonly from: Seq;
  /** Later than this; undefined: at `heardNs` or later. */
  readonly after: bigint | undefined;
}

/** Where a replay is with a frame, besides its ledger, its settings and the tape. */
export interface ReplayState {
  readonly seq: Seq;
  /** Of the last event. */
  readonly seqOfEvent: Seq;
  /** How many actions of the chain the engine has got. */
  readonly sent: number;
  readonly arrivals: readonly bigint[];
  readonly unheard: readonly Unheard[];
  /** The engine's own, which it checks. */
  readonly engine: unknown;
  /** Of the tape's book, which is read from the tape again: see `bookDigest`. */
  readonly book: string;
  /** Orders of the tape, where it has them. */
  readonly queue: TapeState["queue"];
}

/** Levels of each side that are looked at to see what becomes of an action. */
const levelsAhead = 100;

/** What the engine says until an action has arrived. */
export interface Outcome {
  /** When it arrives. */
  readonly atNs: bigint;
  readonly before: readonly Output[];
  readonly onArrival: readonly Output[];
}

/** Messages that are kept for viewers that come back; older ones are made again. */
const keptMessages = 5_000;

/**
 * The engine on a tape: orders, fills and account of a chain of actions as they are with a frame. With frame `seq` everything has happened that
 * the frames up to it show, and every action has arrived that arrives before the frame's time. It only goes forward.
 */
export class ChainReplay {
  readonly ledger: Ledger;
  /** With this frame. */
  seq: Seq;
  /** When that frame is shown, in nanoseconds since 1970; below 0 before the first `advance`. */
  shownNs = -1n;
  /** Where it began in this process. */
  readonly began: { readonly seq: Seq; readonly sent: number };
  /** The messages of all frames after this one are kept. */
  keptAfter: Seq = -1;
  readonly messages: ShownMessage[] = [];
  readonly actions: ChainAction[] = [];
  readonly settings: ChainSettings;
  lastPrice: number | undefined;
  readonly #windows: EventWindows;
  readonly #engine: MatchingEngine;
  /** A growing tape is opened again and again. */
  #source: EventSource;
  #sent: number;
  /** Arrival times of what is on its way, in their order. */
  readonly #arrivals: bigint[] = [];
  readonly #unheard: Unheard[] = [];
  #seqOfEvent: Seq;

  private constructor(
    settings: ChainSettings,
    source: EventSource,
    windows: EventWindows,
    { seq, sent }: ChainReplay["began"],
    engine = new MatchingEngine(engineSettings(settings)),
  ) {
    this.settings = settings;
    this.#source = source;
    this.#windows = windows;
    this.#engine = engine;
    this.ledger = new Ledger(settings.decimals, this.#engine.account);
    this.began = { seq, sent };
    this.seq = this.#seqOfEvent = seq;
    this.#sent = sent;
  }

  /** The engine some time before a chain's first action, with the book as it was there. Rejects as reading the tape does. */
  static async begin(
    tape: Tape,
    settings: ChainSettings,
    firstNs: bigint | undefined,
    windows: EventWindows,
  ): Promise<ChainReplay> {
    const source = sourceOf(tape, settings);
    const { seq, book } = await startOf(source, firstNs);
    const replay = new ChainReplay(settings, source, windows, { seq, sent: 0 });
    if (book !== undefined) replay.#engine.event(book);
    return replay;
  }

  /**
   * Goes on where another replay of the chain was with a frame. Undefined if the tape, or the chain, is not the one that it was of. Rejects as reading the
   * tape does, and with a RangeError or what a schema says for a state that no replay has had.
   *
   * @param actions the whole chain, with further actions perhaps
   */
  static async restore(
    tape: Tape,
    settings: ChainSettings,
    actions: readonly ChainAction[],
    { state, ledger }: { readonly state: ReplayState; readonly ledger: LedgerState },
    windows: EventWindows,
  ): Promise<ChainReplay | undefined> {
    const source = sourceOf(tape, settings);
    const { bids, asks } = await bookOf(source, state.seq);
    const { queue, engine: saved } = state;
    const engine = MatchingEngine.restore(engineSettings(settings), saved, { bids, asks, ...(queue && { queue }) });
    if (bookDigest(engine.tapeState()) !== state.book) return undefined;
    const replay = new ChainReplay(settings, source, windows, state, engine);
    const shownNs = await frameTime(tape, state.seq);
    replay.shownNs = shownNs;
    for (const [at, action] of actions.entries()) {
      if (!replay.append(action, at < state.sent ? 0n : shownNs)) return undefined;
    }
    replay.ledger.restore(ledger);
    replay.keptAfter = state.seq;
    replay.lastPrice = engine.state().lastPrice;
    replay.#seqOfEvent = state.seqOfEvent;
    replay.#arrivals.push(...state.arrivals);
    replay.#unheard.push(...state.unheard);
    return replay;
  }

  /** Where it is; call it between two calls of `advance`. */
  state(): ReplayState {
    const { queue, ...book } = this.#engine.tapeState();
    return {
      seq: this.seq,
      seqOfEvent: this.#seqOfEvent,
      sent: this.#sent,
      arrivals: [...this.#arrivals],
      unheard: [...this.#unheard],
      engine: this.#engine.state(),
      book: bookDigest(book),
      queue,
    };
  }

  /** How many actions the engine has got. */
  get sent(): number {
    return this.#sent;
  }

  get tape(): Tape {
    return this.#source.tape;
  }

  set tape(tape: Tape) {
    this.#source = { ...this.#source, tape };
  }

  get account(): AccountView {
    return this.#engine.account;
  }

  /** Adds the next action of the chain. @returns false if it was sent before something that has happened here */
  append(action: ChainAction, shownNs: bigint): boolean {
    if (action.sentNs < shownNs) return false;
    this.actions.push(action);
    if (action.body.kind === "place") {
      const { order } = action.body;
      this.ledger.sent(`${action.number}`, engineIdOf(action.number, order.clientOrderId), order, action.sentNs);
    }
    return true;
  }

  /**
   * What becomes of an action that would be sent next, on a tape that does not grow, by looking ahead on a copy: this replay does not move. Undefined if
   * its place has passed. Rejects as reading the tape does.
   */
  async foresee(next: ChainAction): Promise<Outcome | undefined> {
    if (next.sentNs < (await frameTime(this.tape, Math.max(this.seq, this.tape.span.firstSeq)))) return undefined;
    const { body } = next;
    const engine = this.#copy(wantedBy(body));
    let atNs = next.sentNs;
    for (const each of [...this.actions.slice(this.#sent), next]) {
      const action = this.#engineAction(each);
      if (action !== undefined) atNs = engine.submit(action);
    }
    const shows = await firstFrameFrom(this.tape, atNs + 1n);
    const before: Output[] = [];
    reading: for await (const events of this.#windows.read(this.#source, this.seq + 1, shows)) {
      for (const { event } of events) {
        if (event.timestampNs > atNs) break reading;
        engine.event(event);
        before.push(...engine.take());
      }
    }
    engine.advance(atNs - 1n);
    before.push(...engine.take());
    engine.advance(atNs);
    return { atNs, before, onArrival: engine.take() };
  }

  /**
   * What becomes of an action when it arrives, by looking ahead on a copy: this replay does not move. Undefined if it does not arrive by `untilNs`, or
   * if the tape does not reach that far yet. Rejects as reading the tape does.
   */
  async outcomeOf(number: number, untilNs: bigint): Promise<Outcome | undefined> {
    const engine = this.#copy();
    let sent = this.#sent;
    let arrival: bigint | undefined;
    const submit = (clockNs: bigint) => {
      for (let next = this.actions[sent]; next !== undefined && next.sentNs <= clockNs; next = this.actions[sent]) {
        sent++;
        const action = this.#engineAction(next);
        const arrives = action && engine.submit(action);
        if (next.number === number) arrival = arrives;
      }
    };
    const before: Output[] = [];
    const arrive = (atNs: bigint): Outcome => {
      engine.advance(atNs - 1n);
      before.push(...engine.take());
      engine.advance(atNs);
      return { atNs, before, onArrival: engine.take() };
    };
    const { lastSeq, growing } = this.tape.span;
    const last = growing ? lastSeq : Math.min(lastSeq, await firstFrameFrom(this.tape, untilNs + 1n));
    for await (const events of this.#windows.read(this.#source, this.seq + 1, last)) {
      for (const { event } of events) {
        submit(event.timestampNs);
        if (arrival !== undefined && arrival > untilNs) return undefined;
        if (arrival !== undefined && arrival < event.timestampNs) return arrive(arrival);
        if (event.timestampNs > untilNs) return undefined;
        engine.event(event);
        before.push(...engine.take());
      }
    }
    if (growing || last === lastSeq) return undefined;
    submit(untilNs); // no event comes by then
    return arrival === undefined || arrival > untilNs ? undefined : arrive(arrival);
  }

  /** The engine with as much of the book as open orders can take, many times over: a whole one has thousands of levels. */
  #copy(more = 0): MatchingEngine {
    let wanted = more;
    const position = this.account.kind === "futures" ? Math.abs(this.account.position) : 0;
    for (const { open, order } of this.ledger.open) {
      if (order.quoteAmount !== undefined && open === 0) wanted = Number.POSITIVE_INFINITY; // not known before it arrives
      wanted += order.closePosition === true ? position : open;
    }
    const few = this.#engine.tapeState(levelsAhead);
    const isEnough = [few.bids, few.asks].every((side) => sumOf(side) > 4 * wanted);
    const book = isEnough ? few : this.#engine.tapeState();
    return MatchingEngine.restore(this.#engine.settings, this.#engine.state(), book);
  }

  /** Goes on to a frame, or to the tape's last one. Rejects as reading the tape does; then it must not be used any more. */
  async advance(to: Seq): Promise<void> {
    const last = Math.min(to, this.tape.span.lastSeq);
    if (last <= this.seq) return;
    for await (const events of this.#windows.read(this.#source, this.seq + 1, last)) {
      for (const { seq, event } of events) {
        this.#submit(event.timestampNs);
        this.#arrive(event.timestampNs - 1n);
        this.#engine.event(event);
        this.#seqOfEvent = seq;
        if (event.kind === "trade") this.lastPrice = event.priceUnits;
        this.#hear(undefined);
      }
    }
    const shownNs = await frameTime(this.tape, last);
    this.#submit(shownNs - 1n);
    this.#arrive(shownNs - 1n);
    this.seq = last;
    this.shownNs = shownNs;
    await this.#show(shownNs);
  }

  /** Sends what was sent by then. */
  #submit(untilNs: bigint): void {
    for (
      let next = this.actions[this.#sent];
      next !== undefined && next.sentNs <= untilNs;
      next = this.actions[this.#sent]
    ) {
      this.#sent++;
      const action = this.#engineAction(next);
      if (action !== undefined) this.#arrivals.push(this.#engine.submit(action));
    }
  }

  #engineAction({ number, sentNs, body }: ChainAction): Action | undefined {
    switch (body.kind) {
      case "place": {
        const { clientOrderId, ...order } = body.order;
        return { kind: "place", sentNs, order: { ...order, id: engineIdOf(number, clientOrderId) } };
      }
      case "cancel-all":
        return { kind: "cancel-all", sentNs };
      case "cancel":
        return { kind: "cancel", sentNs, id: this.#engineIdOf(body.order) };
      case "replace": {
        const { order, price, amount } = body;
        return { kind: "replace", sentNs, id: this.#engineIdOf(order), price, amount };
      }
    }
  }

  #engineIdOf(order: number): string {
    return this.ledger.orders.get(`${order}`)?.engineId ?? engineIdOf(order, undefined);
  }

  /** Executes what arrives by then, before the next event. */
  #arrive(untilNs: bigint): void {
    const due = this.#arrivals.findIndex((at) => at > untilNs);
    const count = due < 0 ? this.#arrivals.length : due;
    if (count === 0) return;
    this.#arrivals.splice(0, count);
    this.#engine.advance(untilNs);
    this.#hear("action");
  }

  #hear(cause: "action" | undefined): void {
    for (const output of this.#engine.take()) {
      for (const message of this.ledger.hear(output)) {
        const after = cause === "action" ? output.atNs : undefined;
        this.#unheard.push({ heardNs: output.heardNs, message, from: this.#seqOfEvent, after });
      }
    }
  }

  /** Finds the frames of messages that are due with the frame at `shownNs`. */
  async #show(shownNs: bigint): Promise<void> {
    let shown = 0;
    for (const { heardNs, message, from, after } of this.#unheard) {
      // An action at a frame's time comes after all events of that time, which the next frame may show.
      const earliest = after !== undefined && after === heardNs ? heardNs + 1n : heardNs;
      if (earliest > shownNs) break;
      const seq = Math.max(from, await firstFrameFrom(this.tape, earliest));
      this.messages.push({ seq, message });
      shown++;
    }
    this.#unheard.splice(0, shown);
    if (this.messages.length <= keptMessages * 2) return;
    this.messages.splice(0, this.messages.length - keptMessages);
    this.keptAfter = this.messages[0]?.seq ?? this.seq;
  }
}

function sourceOf(tape: Tape, { settings, decimals }: ChainSettings): EventSource {
  return { tape, decimals, orders: settings.queue.model === "orders" };
}

/** How much of the book an action can take. */
function wantedBy(body: ActionBody): number {
  if (body.kind === "replace") return body.amount;
  if (body.kind !== "place") return 0;
  return body.order.quoteAmount === undefined ? body.order.amount : Number.POSITIVE_INFINITY;
}

function sumOf(levels: Iterable<readonly [price: number, amount: number]>): number {
  let sum = 0;
  for (const [, amount] of levels) sum += amount;
  return sum;
}

/** Clients name their orders, and may use a name again once its order has ended; without one an order has its number's. */
function engineIdOf(number: number, clientOrderId: string | undefined): string {
  return clientOrderId === undefined ? `o:${number}` : `c:${clientOrderId}`;
}
