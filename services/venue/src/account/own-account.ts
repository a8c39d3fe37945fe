import { randomUUID } from "node:crypto";
import type { MatchingSettings } from "@tapedeck/matching";
import { RefusedError, type SessionFill, type SessionOrder, type TradingSettings } from "@tapedeck/protocol";
import { isMoving, positionAt, type SessionRecord, wallAt } from "@tapedeck/sessions";
import type { Seq } from "@tapedeck/tape";
import type { ActionRequest, Standing } from "@tapedeck/trading";
import type { Venue } from "../context.js";
import { BinanceError } from "../http/binance-error.js";
import type { Market } from "../http/target.js";
import type { OrderRequest } from "../orders/order-request.js";
import type { PlayedEpoch } from "../player/played-epoch.js";
import type { Player } from "../player/player.js";
import { minNotional, mostQuantity } from "../routes/exchange-info.js";
import { unitsOf } from "./decimals.js";
import { latestFrame } from "./latest-frame.js";
import { isOpen, type Symbols } from "./own.js";

/** The account of a futures session whose owner has set none. */
const futuresAccount = { kind: "futures", wallet: "1000000", leverage: 20, maintenance_rate: "0.004" } as const;

/** How long an answer waits for the venue: until then an order has usually arrived. Wall time. */
const longestWaitMs = 2_000;
/** At the live edge frames come when they come. */
const edgeWaitMs = 20;

/** An order with its fills, as far as the playhead shows them. */
export interface Outcome {
  readonly order: SessionOrder;
  readonly fills: readonly SessionFill[];
}

/** A session's trading, as one of its bots sees it. */
export class OwnAccount {
  readonly session: string;
  readonly market: Market;
  readonly epoch: PlayedEpoch;
  readonly settings: TradingSettings;
  readonly #venue: Venue;
  readonly #player: Player;
  #newest: SessionRecord;

  private constructor(market: Market, venue: Venue, player: Player, epoch: PlayedEpoch, settings: TradingSettings) {
    this.session = player.id;
    this.market = market;
    this.epoch = epoch;
    this.settings = settings;
    this.#venue = venue;
    this.#player = player;
    this.#newest = player.record;
  }

  /** Rejects with `BinanceError` for an account of the other market, with `NO_TAPE`, `TRACK_NOT_FOUND`, and as reading a session does. */
  static async open(session: string, market: Market, venue: Venue): Promise<OwnAccount> {
    const player = await venue.players.get(session);
    const epoch = await player.epoch();
    const { record } = player;
    const { settings } = await venue.trading.settings(record);
    const own = record.chain === null && market === "usdm" ? { ...settings, account: futuresAccount } : settings;
    const kind = market === "spot" ? "spot" : "futures";
    if (own.account.kind === kind) return new OwnAccount(market, venue, player, epoch, own);
    const message = `This session has a ${own.account.kind} account. Its owner sets a ${kind} one with PUT /sessions/${session}/trading while it has no orders.`;
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

  /** Everything at the playhead. Rejects as reading the tape does. */
  async standing(): Promise<Standing> {
    const standing = await this.#venue.trading.at(this.record, await this.shownSeq());
    if (standing === undefined) throw new BinanceError("UNKNOWN", "The session has no tape.");
    const isUnset = this.record.chain === null && this.market === "usdm";
    return isUnset ? { ...standing, account: emptyFutures(standing) } : standing;
  }

  /** The frame at the playhead: never an earlier one than before, which would have to be worked out anew. */
  async shownSeq(): Promise<Seq> {
    const { seq } = await positionAt(this.record, this.#venue.now(), this.epoch.tape);
    return latestFrame(this.epoch, seq);
  }

  /** Changes the account's settings. Rejects with `HAS_ORDERS`. */
  async configure(settings: TradingSettings): Promise<void> {
    this.#newest = await this.#venue.trading.configure(this.session, settings);
  }

  /** Sends an order, and waits for it to arrive while the market plays. */
  async place({ clientOrderId = randomUUID().replaceAll("-", ""), ...order }: OrderRequest): Promise<Outcome> {
    if (this.record.chain === null && this.market === "usdm") await this.configure(this.settings);
    const { side, type, amount, quoteAmount, closePosition, price, stopPrice, timeInForce } = order;
    const number = await this.#act({
      kind: "place",
      order: {
        ...{ side, type, amount, price, stop_price: stopPrice, time_in_force: timeInForce },
        ...{ quote_amount: quoteAmount, close_position: closePosition },
        client_order_id: clientOrderId,
      },
    });
    return (await this.#change(`${number}`, () => true)) ?? this.#now(`${number}`);
  }

  /** Cancels an order, and waits until it has ended while the market plays. Rejects with `ORDER_NOT_FOUND` and `ORDER_NOT_OPEN`. */
  async cancel(orderId: string): Promise<Outcome> {
    await this.#act({ kind: "cancel", orderId });
    await this.#change(orderId, (order) => !isOpen(order));
    return this.#now(orderId);
  }

  /** Gives a resting order another price or amount, and waits for that while the market plays. Rejects as `cancel` does. */
  async replace(orderId: string, change: { readonly price: string; readonly amount: string }): Promise<Outcome> {
    await this.#act({ kind: "replace", orderId, change });
    await this.#change(orderId, () => true);
    return this.#now(orderId);
  }

  /** Cancels all open orders. @returns them, as they ended */
  async cancelAll(): Promise<Outcome[]> {
    const { open } = await this.standing();
    if (open.length === 0) return [];
    await this.#act({ kind: "cancel-all" });
    const ids = new Set(open.map(({ order_id }) => order_id));
    await this.#until(async () => {
      const { open: left } = await this.standing();
      return left.some(({ order_id }) => ids.has(order_id)) ? undefined : true;
    });
    const { orders, fills } = await this.standing();
    return orders.filter(({ order_id }) => ids.has(order_id)).map((order) => outcomeOf(order, fills));
  }

  /** An order of the account by its id, or by its client's. Undefined if there is none. */
  async find(wanted: { readonly orderId?: string | undefined; readonly clientOrderId?: string | undefined }) {
    const { orders, fills } = await this.standing();
    const { orderId, clientOrderId } = wanted;
    // A client's id may be used again: the last order that has it.
    const found = orders.findLast(
      (order) =>
        (orderId === undefined || order.order_id === orderId) &&
        (clientOrderId === undefined || order.client_order_id === clientOrderId),
    );
    return found && outcomeOf(found, fills);
  }

  async #act(request: ActionRequest): Promise<number> {
    const { record, number } = await this.#venue.trading.act(this.session, request);
    this.#newest = record;
    return number;
  }

  async #now(orderId: string): Promise<Outcome> {
    const found = await this.find({ orderId });
    if (found === undefined) throw new BinanceError("UNKNOWN", "The market began anew before the order arrived.");
    return found;
  }

  /**
   * Waits for a change of an order after which it is as wanted. Undefined if the market stands still or takes too long.
   * @returns the order after the changes so far, and its fills since
   */
  async #change(orderId: string, isWanted: (order: SessionOrder) => boolean): Promise<Outcome | undefined> {
    const from = (await this.shownSeq()) - 1;
    return this.#until(async (seq) => {
      let order: SessionOrder | undefined;
      const fills: SessionFill[] = [];
      for (const message of await this.#venue.trading.between(this.record, from, seq)) {
        if (message.data.order_id !== orderId) continue;
        if (message.type === "order") order = message.data;
        else fills.push(message.data);
      }
      return order !== undefined && isWanted(order) ? { order, fills } : undefined;
    });
  }

  /** Looks with each frame, until there is something. */
  async #until<T>(look: (seq: Seq) => Promise<T | undefined>): Promise<T | undefined> {
    const deadline = performance.now() + longestWaitMs;
    const { epoch } = this.record;
    for (;;) {
      const seq = await this.shownSeq();
      const found = await look(seq);
      if (found !== undefined) return found;
      const { record } = this;
      const left = deadline - performance.now();
      if (!isMoving(record) || record.epoch !== epoch || left <= 0) return undefined;
      await wait(Math.min(left, await this.#msToNextFrame(record, seq)));
    }
  }

  async #msToNextFrame(record: SessionRecord, seq: Seq): Promise<number> {
    const { tape } = this.epoch;
    if (record.edge || seq >= tape.span.lastSeq) return edgeWaitMs;
    const due = wallAt(record, await tape.nsOf(seq + 1), tape.timeline(record.gaps));
    return Math.max(1, Math.ceil(due - this.#venue.now()));
  }
}

function outcomeOf(order: SessionOrder, fills: readonly SessionFill[]): Outcome {
  return { order, fills: fills.filter(({ order_id }) => order_id === order.order_id) };
}

function emptyFutures({ account }: Standing): Standing["account"] {
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

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

export function isRefused(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof RefusedError && codes.includes(error.code);
}
