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
import { type ClusterAddress, get, jsonOf, send } from "../../cluster-api";

/** Rows of one answer. */
const pageSize = 1000;
/** Pages that are read at most. A session has up to 20,000 orders, and each may fill in parts. */
const maxPages = 100;

/** A session's orders over HTTP. Each method rejects with the cluster's message. */
export class TradingApi {
  readonly #address: ClusterAddress;
  readonly #path: string;

  constructor(address: ClusterAddress, sessionId: string) {
    this.#address = address;
    this.#path = `/sessions/${encodeURIComponent(sessionId)}`;
  }

  trading(): Promise<TradingAnswer> {
    return this.#get("/trading");
  }

  /** Changes some of the settings, and answers all as the cluster has them then. */
  async configure(change: TradingSettingsChange): Promise<TradingAnswer> {
    return jsonOf(await send(this.#address, "PATCH", `${this.#path}/trading`, change));
  }

  async account(): Promise<SessionAccount | null> {
    return (await this.#get("/account")).account;
  }

  /** All orders, oldest first. */
  orders(): Promise<SessionOrder[]> {
    return this.#pages<SessionOrder>("/orders", "orders", ({ order_id }) => order_id);
  }

  /** All fills, oldest first. */
  fills(): Promise<SessionFill[]> {
    return this.#pages<SessionFill>("/fills", "fills", ({ fill_id }) => fill_id);
  }

  /** What rewinds left, newest first. */
  async branches(): Promise<SessionBranch[]> {
    return (await this.#get("/branches")).branches;
  }

  /** A branch as it was when it was left. */
  async branch(id: string): Promise<BranchContent> {
    const path = `/branches/${encodeURIComponent(id)}`;
    const [orders, fills, account] = await Promise.all([
      this.#pages<SessionOrder>(`${path}/orders`, "orders", ({ order_id }) => order_id),
      this.#pages<SessionFill>(`${path}/fills`, "fills", ({ fill_id }) => fill_id),
      this.#get(`${path}/account`),
    ]);
    return { orders, fills, account: account.account };
  }

  async place(order: OrderBody): Promise<SessionOrder> {
    return (await jsonOf(await send(this.#address, "POST", `${this.#path}/orders`, order))).order;
  }

  async placeList(list: OrderListBody): Promise<SessionOrder[]> {
    return (await jsonOf(await send(this.#address, "POST", `${this.#path}/order-lists`, list))).orders;
  }

  async replace(orderId: string, change: ReplaceBody): Promise<SessionOrder> {
    const path = `${this.#path}/orders/${encodeURIComponent(orderId)}/replace`;
    return (await jsonOf(await send(this.#address, "POST", path, change))).order;
  }

  async cancel(orderId: string): Promise<SessionOrder> {
    const path = `${this.#path}/orders/${encodeURIComponent(orderId)}`;
    return (await jsonOf(await send(this.#address, "DELETE", path))).order;
  }

  /** Those that are to be cancelled. */
  async cancelAll(): Promise<SessionOrder[]> {
    return (await jsonOf(await send(this.#address, "DELETE", `${this.#path}/orders`))).orders;
  }

  async #get(path: string) {
    return jsonOf(await get(this.#address, `${this.#path}${path}`));
  }

  async #pages<Row>(path: string, name: string, idOf: (row: Row) => string): Promise<Row[]> {
    const rows: Row[] = [];
    for (let page = 0; page < maxPages; page++) {
      const last = rows.at(-1);
      const query = new URLSearchParams({ limit: `${pageSize}`, ...(last !== undefined && { after: idOf(last) }) });
      const found: Row[] = (await this.#get(`${path}?${query}`))[name];
      rows.push(...found);
      if (found.length < pageSize) break;
    }
    return rows;
  }
}

/** How the session's orders meet its tape. */
export interface TradingAnswer {
  readonly settings: TradingSettings;
  /** Whether the tape decides the queue model. */
  readonly queue_auto: boolean;
  readonly instrument: TradedInstrument | null;
}

/** What a rewind left. */
export interface BranchContent {
  readonly orders: readonly SessionOrder[];
  readonly fills: readonly SessionFill[];
  readonly account: SessionAccount | null;
}
