import { randomUUID } from "node:crypto";
import type { MatchingSettings } from "@tapedeck/matching";
import {
  isoOfNs,
  RefusedError,
  type SessionFill,
  type SessionOrder,
  type TapeNs,
  type TradingSettings,
} from "@tapedeck/protocol";
import { isMoving, type SessionRecord, wallAt } from "@tapedeck/sessions";
import type { TapePosition } from "@tapedeck/tape";
import {
  type ActionRequest,
  hasActions,
  type OrderName,
  type OrderStanding,
  type Standing,
  type Told,
} from "@tapedeck/trading";
import type { Venue } from "../context.js";
import { BinanceError } from "../http/binance-error.js";
import type { Market } from "../http/target.js";
import type { OrderListRequest } from "../orders/order-list-request.js";
import type { OrderRequest } from "../orders/order-request.js";
import type { PlayedEpoch } from "../player/played-epoch.js";
import type { Player } from "../player/player.js";
import { Waker } from "../player/waker.js";
import { minNotional, mostQuantity } from "../routes/exchange-info.js";
import { AccountPlayhead } from "./account-playhead.js";
import { unitsOf } from "./decimals.js";
import type { Symbols } from "./own.js";

/** The account of a futures session whose owner has set none. */
const futuresAccount = { kind: "futures", wallet: "1000000", leverage: 20, maintenance_rate: "0.004" } as const;

/** How long an answer waits for the venue: until then an order has usually arrived. Wall time. */
const longestWaitMs = 2_000;
/** At the live edge events come when they come, some time after the frames that tell of them. */
const edgeWaitMs = 20;

/** An order with its fills, as far as the owner has heard. */
export type Outcome = OrderStanding;

/** A session's trading, as one of its bots sees it. */
export class OwnAccount {
  readonly session: string;
  readonly market: Market;
  readonly epoch: PlayedEpoch;
  readonly settings: TradingSettings;
  /** Where the market is. */
  readonly playhead: AccountPlayhead;
  readonly #venue: Venue;
  readonly #player: Player;
  /** Where the session's log began while nobody had chosen its account; undefined if somebody has. */
  readonly #unsetRoot: number | null | undefined;
  #newest: SessionRecord;

  private constructor(
    market: Market,
    venue: Venue,
    player: Player,
    epoch: PlayedEpoch,
    { settings, isUnset }: { readonly settings: TradingSettings; readonly isUnset: boolean },
  ) {
    this.session = player.id;
    this.market = market;
    this.epoch = epoch;
    this.settings = settings;
    this.#unsetRoot = isUnset ? (player.record.chain?.root ?? null) : undefined;
    this.#venue = venue;
    this.#player = player;
    this.#newest = player.record;
    this.playhead = new AccountPlayhead(this, player, venue);
  }

  /** Rejects with `BinanceError` for an account of the other market, with `NO_TAPE`, `TRACK_NOT_FOUND`, and as reading a session does. */
  static async open(session: string, market: Market, venue: Venue): Promise<OwnAccount> {
    const player = await venue.players.get(session);
    const epoch = await player.opened();
    const { record } = player;
    const { settings: asSet, chain } = await venue.trading.settings(record);
    const isOpen = record.chain === null || (chain?.isAccountUnset === true && !hasActions(record));
    const isUnset = isOpen && market === "usdm";
    const settings = isUnset ? { ...asSet, account: futuresAccount } : asSet;
    const kind = market === "spot" ? "spot" : "futures";
    if (settings.account.kind === kind) return new OwnAccount(market, venue, player, epoch, { settings, isUnset });
    const message = `This session has a ${settings.account.kind} account. Its owner sets a ${kind} one with PUT /sessions/${session}/trading while it has no orders.`;
    throw new BinanceError("REJECTED_MBX_KEY", message, { status: 401 });
  }

  /** The account of a session, of whichever market it is. Rejects as `open` does. */
  static async ofSession(session: string, venue: Venue): Promise<OwnAccount> {
    const { record } = await venue.players.get(session);
    const { account } = (await venue.trading.settings(record)).settings;
    return OwnAccount.open(session, account.kind === "spot" ? "spot" : "usdm", venue);
  }

  get symbols(): Symbols {
    const { symbol, base, quote } = this.epoch.symbol;
    return { symbol, baseAsset: base, quoteAsset: quote };
  }

  /** What filters check. Prices and amounts are multiples of their last decimal. */
  get instrument(): MatchingSettings["instrument"] {
    const { priceDecimals, quantityDecimals } = this.epoch.symbol;
    const maxAmount = unitsOf(mostQuantity, quantityDecimals) ?? Number.MAX_SAFE_INTEGER;
    return { priceDecimals, amountDecimals: quantityDecimals, tick: 1, lot: 1, minAmount: 1, maxAmount, minNotional };
  }

  /** Where the market is, in the bot's wall time. */
  get time(): number {
    return Math.floor(this.epoch.time);
  }

  readonly timeOf = (ns: bigint): number => this.epoch.clock.timeOf(ns);

  /** The session, with what this account has sent. */
  get record(): SessionRecord {
    const known = this.#player.record;
    if (known.epoch > this.#newest.epoch || known.rev >= this.#newest.rev) this.#newest = known;
    return this.#newest;
  }

  /** @throws BinanceError -1121 for another symbol */
  checkSymbol(symbol: string): void {
    if (symbol.toUpperCase() !== this.epoch.symbol.symbol) throw new BinanceError("BAD_SYMBOL", "Invalid symbol.");
  }

  /** Everything that has happened by the playhead, or by a place that it has passed. Rejects as reading session and tape does. */
  async standing(place?: TapePosition): Promise<Standing> {
    const until = place ?? (await this.playhead.place());
    return this.#withAccount(await this.#venue.trading.standing(this.record, until));
  }

  /** Of that, the account and the open orders. Rejects as reading session and tape does. */
  async balance(place?: TapePosition): Promise<Pick<Standing, "open" | "account">> {
    const until = place ?? (await this.playhead.place());
    return this.#withAccount(await this.#venue.trading.balance(this.record, until));
  }

  #withAccount<T extends Pick<Standing, "account">>(found: T | undefined): T {
    if (found === undefined) throw new BinanceError("UNKNOWN", "The session has no tape.");
    return this.#isUnset ? { ...found, account: emptyFutures(found) } : found;
  }

  /** Whether the session's account is still that which a bot of futures finds where nobody has chosen one. */
  get #isUnset(): boolean {
    const { chain } = this.record;
    return this.#unsetRoot !== undefined && (chain?.root ?? null) === this.#unsetRoot && !hasActions(this.record);
  }

  /** The market has begun anew since this account was opened. */
  get isOver(): boolean {
    return !this.#player.isPlaying(this.epoch);
  }

  /** Chooses the session's account. Its other settings stay as they are. Rejects with `HAS_ORDERS`. */
  async choose(account: TradingSettings["account"]): Promise<void> {
    this.#newest = await this.#venue.trading.adjust(this.session, { account });
  }

  /** Sends an order, and waits for it to arrive while the market plays. */
  async place({ clientOrderId = anyClientId(), ...order }: OrderRequest): Promise<Outcome> {
    if (this.#isUnset) await this.choose(futuresAccount);
    const { number, from } = await this.#act({ kind: "place", order: this.#body({ clientOrderId, ...order }) });
    return heardOf(`${number}`, await this.#answer(from, number)) ?? this.#now(`${number}`);
  }

  /** Sends orders that depend on each other, and waits for them to arrive while the market plays. @returns them, in the order in which they were sent */
  async placeList({ clientListId = anyClientId(), first, others }: OrderListRequest): Promise<Outcome[]> {
    const body = (order: OrderRequest) => this.#body({ ...order, clientOrderId: order.clientOrderId ?? anyClientId() });
    const orders = others.map(body);
    const list = { ...(first !== undefined && { first: body(first) }), others: orders, client_list_id: clientListId };
    const { number, from } = await this.#act({ kind: "place-list", list });
    const messages = await this.#answer(from, number);
    const ids = Array.from({ length: orders.length + (first === undefined ? 0 : 1) }, (_, at) => `${number + at}`);
    return Promise.all(ids.map(async (id) => heardOf(id, messages) ?? this.#now(id)));
  }

  /** Cancels all orders that are open when so much of the market's time has passed, unless this is called again before; 0: not any more. */
  async countDown(ms: number): Promise<void> {
    if (this.#isUnset) await this.choose(futuresAccount);
    await this.#act({ kind: "countdown", ns: BigInt(Math.round(ms * 1e6 * this.record.speed)) });
  }

  #body({ clientOrderId, side, type, amount, price, timeInForce, ...of }: OrderRequest) {
    const { goodTillMs } = of;
    return {
      ...{ side, type, amount, price, stop_price: of.stopPrice, time_in_force: timeInForce },
      ...{ quote_amount: of.quoteAmount, close_position: of.closePosition, reduce_only: of.reduceOnly },
      ...(goodTillMs !== undefined && { expires_at: isoOfNs(this.epoch.clock.nsOf(goodTillMs), 9) }),
      client_order_id: clientOrderId,
    };
  }

  /** Cancels an order, and waits until it has ended while the market plays. Rejects with `ORDER_NOT_FOUND` and `ORDER_NOT_OPEN`. */
  async cancel(orderId: string): Promise<Outcome> {
    const { number, from } = await this.#act({ kind: "cancel", orderId });
    await this.#answer(from, number);
    return this.#now(orderId);
  }

  /** Gives a resting order another price or amount, and waits for that while the market plays. Rejects as `cancel` does. */
  async replace(orderId: string, change: { readonly price: string; readonly amount: string }): Promise<Outcome> {
    const { number, from } = await this.#act({ kind: "replace", orderId, change });
    await this.#answer(from, number);
    return this.#now(orderId);
  }

  /** Cancels all open orders. @returns them, as they ended */
  async cancelAll(): Promise<Outcome[]> {
    const { open } = await this.balance();
    if (open.length === 0) return [];
    const { number, from } = await this.#act({ kind: "cancel-all" });
    await this.#answer(from, number);
    const ids = new Set(open.map(({ order_id }) => order_id));
    const { orders, fills } = await this.standing();
    return orders.filter(({ order_id }) => ids.has(order_id)).map((order) => outcomeOf(order, fills));
  }

  /** An order of the account by its id, or by its client's. Undefined if there is none. */
  async find(wanted: OrderName): Promise<Outcome | undefined> {
    const until = await this.playhead.place();
    return this.#venue.trading.order(this.record, until, wanted);
  }

  /** @returns its number, and a place before it */
  async #act(request: ActionRequest): Promise<{ readonly number: number; readonly from: TapePosition }> {
    const from = await this.playhead.knownPlace();
    const written = (record: SessionRecord) => {
      this.#newest = record;
      this.#player.learn(record);
    };
    const { number } = await this.#venue.trading.act(this.session, request, { known: this.record, written });
    return { number, from };
  }

  async #now(orderId: string): Promise<Outcome> {
    const found = await this.find({ orderId });
    if (found === undefined) throw new BinanceError("UNKNOWN", "The market began anew before the order arrived.");
    return found;
  }

  /**
   * Waits until an action has arrived and the owner knows what became of it, but not while the market stands still, nor for too long.
   * @returns what the owner learns of from a place until then
   */
  async #answer(from: TapePosition, number: number): Promise<Told["messages"]> {
    const deadline = performance.now() + longestWaitMs;
    const { epoch } = this.record;
    for (;;) {
      const place = await this.playhead.place();
      const { messages, nextNs, answeredNs } = await this.#venue.trading.told(this.record, from, place, number);
      const left = deadline - performance.now();
      const isAnswered = answeredNs !== undefined && answeredNs <= place.ns;
      const { record } = this;
      if (isAnswered || !isMoving(record) || record.epoch !== epoch || left <= 0) return messages;
      await this.#until(answeredNs ?? nextNs, left);
    }
  }

  /** Waits for the playhead to reach a time, or for a change of the session or of its tape, but not too long. */
  async #until(ns: TapeNs | undefined, mostMs: number): Promise<void> {
    const waker = new Waker();
    const listener = { ofAccount: true, dueNs: Number.POSITIVE_INFINITY, flush: () => {}, changed: () => waker.wake() };
    this.epoch.listeners.add(listener);
    await waker.within(Math.min(mostMs, this.#msTo(ns)));
    this.epoch.listeners.delete(listener);
  }

  #msTo(ns = Number.POSITIVE_INFINITY): number {
    const { record } = this;
    const { tape } = this.epoch;
    if (record.edge || ns > tape.span.lastNs) return edgeWaitMs;
    return Math.max(1, Math.ceil(wallAt(record, ns, tape.timeline(record.gaps)) - this.#venue.now()));
  }
}

/** An order as the owner knows it after some messages, with its fills in them; undefined if they say nothing of it. */
function heardOf(orderId: string, messages: Told["messages"]): Outcome | undefined {
  let order: SessionOrder | undefined;
  const fills: SessionFill[] = [];
  for (const { type, data } of messages) {
    if (data.order_id !== orderId) continue;
    if (type === "order") order = data;
    else fills.push(data);
  }
  return order && { order, fills };
}

function anyClientId(): string {
  return randomUUID().replaceAll("-", "");
}

function outcomeOf(order: SessionOrder, fills: readonly SessionFill[]): Outcome {
  return { order, fills: fills.filter(({ order_id }) => order_id === order.order_id) };
}

function emptyFutures({ account }: Pick<Standing, "account">): Standing["account"] {
  const { wallet, leverage } = futuresAccount;
  const { last_price } = account;
  return {
    kind: "futures",
    ...{ wallet, leverage, last_price },
    position: "0",
    entry_price: null,
    unrealized_pnl: "0",
    margin: "0",
    liquidation_price: null,
    equity: wallet,
  };
}

/** Whether something was refused with one of these codes. */
export function isRefusalOf(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof RefusedError && codes.includes(error.code);
}
