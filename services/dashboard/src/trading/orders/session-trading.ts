import type { Session } from "@tapedeck/client";
import type {
  OrderBody,
  OrderListBody,
  ReplaceBody,
  SessionAccount,
  SessionBranch,
  SessionFill,
  SessionOrder,
  TradedInstrument,
  TradingSettings,
  TradingSettingsChange,
} from "@tapedeck/protocol";
import { createStore, type StoreApi } from "zustand/vanilla";
import type { ClusterAddress } from "../../cluster-api";
import type { ToastTone } from "../../playback/page-state";
import type { TicketMarket } from "../ticket/order-ticket-state";
import { isWorking, withFill, withOrder } from "./order-list";
import { reasonText } from "./order-reasons";
import { type BranchContent, TradingApi } from "./trading-api";

/** The session's orders at the playhead, as far as the page knows them. */
export interface TradingState {
  /** Null until it is known, and without a tape. */
  readonly instrument: TradedInstrument | null;
  readonly settings: TradingSettings | undefined;
  /** Whether the tape decides the queue model, because nobody has chosen one. */
  readonly queueAuto: boolean;
  /** Oldest first. */
  readonly orders: readonly SessionOrder[];
  readonly fills: readonly SessionFill[];
  readonly account: SessionAccount | null;
  /** What rewinds left, newest first. */
  readonly branches: readonly SessionBranch[];
  /**
   * What was asked of a working order, by its id, until something becomes of it: while the market stands, nothing does.
   */
  readonly requests: ReadonlyMap<string, OrderRequest>;
  /** Why the orders could not be read. */
  readonly problem: string | undefined;
}

/** Of one order. */
export interface OrderRequest {
  /** "moving to 63954.6" or "cancelling". */
  readonly text: string;
  /** The order's `updated_at` when it was asked. */
  readonly updatedAt: string;
}

const empty: TradingState = {
  instrument: null,
  settings: undefined,
  queueAuto: true,
  orders: [],
  fills: [],
  account: null,
  branches: [],
  requests: new Map(),
  problem: undefined,
};

/** Many fills in a row, and each step of a dragged scrubber, cost one request. */
const waitMs = 200;

/** What the page needs besides. */
interface TradingDisplay {
  notify(tone: ToastTone, text: string): void;
  invalidate(): void;
}

/**
 * Orders, fills and account of the session. The cluster computes them for the playhead; the page reads them when it opens and after each seek, and
 * follows the session's messages in between.
 */
export class SessionTrading {
  readonly store: StoreApi<TradingState> = createStore<TradingState>(() => empty);
  readonly #display: TradingDisplay;
  #api: TradingApi | undefined;
  #undo: (() => void)[] = [];
  /** Raised by each reading of everything, so that the answers of an earlier one are dropped. */
  #reading = 0;
  /** What arrived while everything is being read. */
  #arrived: { readonly orders: SessionOrder[]; readonly fills: SessionFill[] } | undefined;
  #working: { readonly of: readonly SessionOrder[]; readonly list: readonly SessionOrder[] } = { of: [], list: [] };
  #marks: { readonly of: readonly SessionFill[]; readonly list: readonly FillMark[] } = { of: [], list: [] };
  #accountTimer: ReturnType<typeof setTimeout> | undefined;
  #readTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(display: TradingDisplay) {
    this.#display = display;
  }

  /** Follows a session until `close`. */
  open(session: Session, address: ClusterAddress): void {
    this.close();
    this.#api = new TradingApi(address, session.id);
    this.#undo = [
      session.onOrder((order) => this.#onOrder(order)),
      session.onFill((fill) => this.#onFill(fill)),
      this.store.subscribe(() => this.#display.invalidate()),
    ];
    this.#readSoon();
  }

  close(): void {
    for (const undo of this.#undo.splice(0)) undo();
    clearTimeout(this.#accountTimer);
    this.#accountTimer = undefined;
    clearTimeout(this.#readTimer);
    this.#api = undefined;
    this.#reading++;
    this.#arrived = undefined;
    this.store.setState(empty);
  }

  /** The session plays another tape: its orders are not on it. */
  onOtherTape(): void {
    this.store.setState({ ...empty, branches: this.store.getState().branches });
    this.#readSoon();
  }

  /** The playhead moved: a rewind undoes what was sent after the new place, and what is skipped may fill orders. */
  onSeek(): void {
    const { orders, branches, settings } = this.store.getState();
    // Who has not traded has nothing to lose, and drags the scrubber without any request.
    if (orders.length > 0 || branches.length > 0 || settings === undefined) this.#readSoon();
  }

  /** A command was carried out, or the page is connected again: what could not be read before is tried again. */
  onState(): void {
    if (this.store.getState().problem !== undefined) this.#readSoon();
  }

  // ---- actions: resolve with whether the cluster took it; a refusal is shown as a toast

  /** Changes what the session's orders meet; refused once there is one. */
  configure(change: TradingSettingsChange): Promise<boolean> {
    return this.#act(async (api) => {
      const { settings, queue_auto: queueAuto } = await api.configure(change);
      this.store.setState({ settings, queueAuto });
      this.#readSoon();
    });
  }

  place(order: OrderBody): Promise<boolean> {
    return this.#act(async (api) => this.#onOrder(await api.place(order)));
  }

  placeList(list: OrderListBody): Promise<boolean> {
    return this.#act(async (api) => {
      for (const order of await api.placeList(list)) this.#onOrder(order);
    });
  }

  replace(orderId: string, change: ReplaceBody): Promise<boolean> {
    return this.#act(async (api) => {
      const order = await api.replace(orderId, change);
      const to = change.stop_price ?? change.price;
      this.#asked(order, to === undefined ? "changing" : `moving to ${to}`);
    });
  }

  cancel(orderId: string): Promise<boolean> {
    return this.#act(async (api) => this.#asked(await api.cancel(orderId), "cancelling"));
  }

  cancelAll(): Promise<boolean> {
    return this.#act(async (api) => {
      for (const order of await api.cancelAll()) this.#asked(order, "cancelling");
    });
  }

  #asked(order: SessionOrder, text: string): void {
    const { order_id, updated_at: updatedAt } = order;
    this.store.setState(({ requests }) => ({ requests: new Map(requests).set(order_id, { text, updatedAt }) }));
    this.#onOrder(order);
  }

  /** A branch as it was when it was left. Rejects with the cluster's message. */
  async branch(id: string): Promise<BranchContent> {
    if (!this.#api) throw new Error("No session is open.");
    return this.#api.branch(id);
  }

  async #act(action: (api: TradingApi) => Promise<void>): Promise<boolean> {
    const api = this.#api;
    if (!api) {
      this.#display.notify("problem", "No session is open.");
      return false;
    }
    try {
      await action(api);
      return true;
    } catch (error) {
      this.#display.notify("problem", messageOf(error));
      return false;
    }
  }

  // ---- messages of the session

  #onOrder(order: SessionOrder): void {
    this.#arrived?.orders.push(order);
    const { orders } = this.store.getState();
    const before = orders.find(({ order_id }) => order_id === order.order_id);
    this.store.setState({ orders: withOrder(orders, order) });
    this.#forgetDone();
    if (before?.status !== order.status) this.#sayIfRefused(order);
    this.#readAccountSoon();
  }

  #sayIfRefused({ status, reason }: SessionOrder): void {
    const why = reasonText(reason);
    const because = why === undefined ? "" : `: ${why}`;
    if (status === "REJECTED") this.#display.notify("problem", `The order was rejected${because}.`);
    if (status === "EXPIRED" && why !== undefined) this.#display.notify("info", `The order expired${because}.`);
  }

  #onFill(fill: SessionFill): void {
    this.#arrived?.fills.push(fill);
    this.store.setState(({ fills }) => ({ fills: withFill(fills, fill) }));
    this.#readAccountSoon();
  }

  #forgetDone(): void {
    const { orders, requests } = this.store.getState();
    if (requests.size === 0) return;
    const open = orders.filter(({ order_id, updated_at }) => requests.get(order_id)?.updatedAt === updated_at);
    const kept = open.filter(isWorking).map(({ order_id }) => order_id);
    if (kept.length === requests.size) return;
    this.store.setState({ requests: new Map([...requests].filter(([id]) => kept.includes(id))) });
  }

  // ---- reading

  #readSoon(): void {
    clearTimeout(this.#readTimer);
    this.#readTimer = setTimeout(() => void this.#read(), waitMs);
  }

  async #read(): Promise<void> {
    const api = this.#api;
    if (!api) return;
    const reading = ++this.#reading;
    const arrived = { orders: [] as SessionOrder[], fills: [] as SessionFill[] };
    this.#arrived = arrived;
    try {
      const [{ settings, queue_auto: queueAuto, instrument }, orders, fills, account, branches] = await Promise.all([
        api.trading(),
        api.orders(),
        api.fills(),
        api.account(),
        api.branches(),
      ]);
      if (reading !== this.#reading) return;
      this.#sayWhatWasUndone(orders, fills, branches);
      this.store.setState({
        ...{ settings, queueAuto, instrument, account, branches, problem: undefined },
        // An answer may be from before what arrived meanwhile.
        orders: arrived.orders.reduce(withOrder, orders),
        fills: arrived.fills.reduce(withFill, fills),
      });
      this.#forgetDone();
    } catch (error) {
      if (reading === this.#reading) this.store.setState({ problem: messageOf(error) });
    } finally {
      if (reading === this.#reading) this.#arrived = undefined;
    }
  }

  #readAccountSoon(): void {
    this.#accountTimer ??= setTimeout(async () => {
      this.#accountTimer = undefined;
      const api = this.#api;
      const reading = this.#reading;
      try {
        const account = await api?.account();
        if (reading === this.#reading && account !== undefined) this.store.setState({ account });
      } catch {
        // The cluster may be away for a moment; the next fill or seek reads it again.
      }
    }, waitMs);
  }

  /** A rewind has no other sign than that orders are gone. */
  #sayWhatWasUndone(
    orders: readonly SessionOrder[],
    fills: readonly SessionFill[],
    branches: readonly SessionBranch[],
  ): void {
    const before = this.store.getState();
    if (branches[0] === undefined || branches[0].id === before.branches[0]?.id || before.settings === undefined) return;
    const gone = undone(before.orders, orders, ({ order_id }) => order_id);
    const unfilled = undone(before.fills, fills, ({ fill_id }) => fill_id);
    this.store.setState({ requests: new Map() });
    if (gone + unfilled === 0) return;
    const what = [counted(gone, "order"), counted(unfilled, "fill")].filter((text) => text !== "").join(" and ");
    this.#display.notify("info", `The rewind undid ${what}. The report keeps them as a branch.`);
  }

  /** What the ticket's orders are of; undefined until it is known, and without a tape that takes orders. */
  get market(): TicketMarket | undefined {
    return marketOf(this.store.getState());
  }

  /** Orders that may still be filled, oldest first. The same list until an order changes: the views read it for each animation frame. */
  get working(): readonly SessionOrder[] {
    const { orders } = this.store.getState();
    if (this.#working.of !== orders) this.#working = { of: orders, list: orders.filter(isWorking) };
    return this.#working.list;
  }

  /** Where fills are drawn, oldest first. The same list until there is another fill. */
  get fillMarks(): readonly FillMark[] {
    const { fills } = this.store.getState();
    if (this.#marks.of !== fills) {
      const list = fills.map(({ timestamp, price, side }) => ({
        ms: Date.parse(timestamp),
        price: Number(price),
        side,
      }));
      this.#marks = { of: fills, list };
    }
    return this.#marks.list;
  }
}

/** The same for a state of the store. */
export function marketOf({ instrument, settings }: Pick<TradingState, "instrument" | "settings">) {
  if (instrument === null || settings === undefined) return undefined;
  const { price_decimals, amount_decimals } = instrument;
  return { price_decimals, amount_decimals, account: settings.account.kind };
}

/** Of a fill, for drawing. */
export interface FillMark {
  readonly ms: number;
  readonly price: number;
  readonly side: SessionFill["side"];
}

function undone<Row>(before: readonly Row[], now: readonly Row[], idOf: (row: Row) => string): number {
  const ids = new Set(now.map(idOf));
  return before.filter((row) => !ids.has(idOf(row))).length;
}

function counted(count: number, name: string): string {
  return count === 0 ? "" : `${count} ${name}${count === 1 ? "" : "s"}`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
