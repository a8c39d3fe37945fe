import { type Session, type SessionFill, type SessionOrder, TapedeckError, tapedeck } from "@tapedeck/client";
import WebSocket from "ws";
import type { BestPrices, Bot, BotOrder } from "./bot.js";
import type { BotHistory, Fill, Listening, SentOutcome } from "./history.js";

export interface SdkBotOptions {
  readonly name: string;
  readonly session: string;
  readonly history: BotHistory;
  /** The cluster's address, behind which a balancer chooses apis and gateways. */
  readonly url: string;
}

/** Everything of a session fits into one page. */
const page = 1_000;

/** A bot with the SDK, which sends an order again that got no answer, and continues after a lost connection. */
export class SdkBot implements Bot {
  readonly name: string;
  readonly #options: SdkBotOptions;
  readonly #session: Session;
  readonly #sockets: Set<WebSocket>;
  readonly #ids = new Map<string, string>();
  #fills: SessionFill[] = [];
  #orders: SessionOrder[] = [];
  #listening: Listening | undefined;
  #best: BestPrices | undefined;
  /** It ended although nobody closed it. */
  ended: string | undefined;
  connections = 1;
  problem: unknown;

  static async join(options: SdkBotOptions): Promise<SdkBot> {
    const sockets = new Set<WebSocket>();
    const sdk = tapedeck({
      url: options.url,
      WebSocket: class extends WebSocket {
        constructor(url: string, protocols: string[]) {
          super(url, protocols, { perMessageDeflate: false });
          sockets.add(this);
          this.on("close", () => sockets.delete(this));
        }
      },
    });
    for (let attempt = 1; ; attempt++) {
      try {
        return new SdkBot(options, await sdk.join(options.session), sockets);
      } catch (error) {
        if (attempt > 100) throw error;
        await new Promise((resolve) => setTimeout(resolve, 300)); // a fault is under way
      }
    }
  }

  private constructor(options: SdkBotOptions, session: Session, sockets: Set<WebSocket>) {
    this.name = options.name;
    this.#options = options;
    this.#session = session;
    this.#sockets = sockets;
    session.onFill((fill) => this.#fills.push(fill));
    session.onOrder((order) => this.#orders.push(order));
    session.onHistory(({ epoch, complete, frames }) => {
      const last = frames.at(-1);
      if (!complete || this.#listening?.epoch !== epoch) this.#begin(epoch, last?.seq ?? 0);
      this.#tell();
    });
    session.onFrame(({ seq, best_bid: bid, best_ask: ask }, { epoch }) => {
      if (this.#listening?.epoch !== epoch) this.#begin(epoch, seq);
      this.#tell();
      if (bid !== null && ask !== null) this.#best = { bid, ask };
    });
    session.onConnection(({ connection }) => {
      if (connection === "open") this.connections++;
    });
    session.onEnd(({ reason, error }) => {
      if (reason !== "closed") this.ended = `${reason} ${error?.message}`;
    });
  }

  get isBack(): boolean {
    return this.#session.connection === "open" && this.#listening?.before !== undefined;
  }

  /** The last frame that it was given. */
  get position() {
    return this.#session.position;
  }

  async prices(): Promise<BestPrices | undefined> {
    return this.#best;
  }

  async place({ name, side, type, postOnly, amount, price, stopPrice }: BotOrder): Promise<SentOutcome> {
    try {
      await this.#session.trading.place({
        ...{ side, type, amount, clientOrderId: name },
        ...(type === "LIMIT" && { price, timeInForce: postOnly ? "GTX" : "GTC" }),
        ...(type === "STOP" && { stopPrice }),
      });
      return "acknowledged";
    } catch (error) {
      return error instanceof TapedeckError && error.code !== "interrupted" ? "refused" : "unknown";
    }
  }

  async cancel(name: string): Promise<void> {
    const id = this.#ids.get(name);
    if (id !== undefined) await this.#session.trading.cancel(id).catch(() => {}); // the stream tells what became of it
  }

  async replace({ name, price }: BotOrder): Promise<void> {
    const id = this.#ids.get(name);
    if (id !== undefined && price !== undefined) await this.#session.trading.replace(id, { price }).catch(() => {}); // the same
  }

  async cancelAll(): Promise<void> {
    await this.#session.trading.cancelAll().catch(() => {}); // the same
  }

  async knows(name: string): Promise<boolean | undefined> {
    try {
      const { orders } = await this.#session.trading.orders({ limit: page });
      return orders.some(({ client_order_id: of }) => of === name);
    } catch {
      return undefined;
    }
  }

  cut(): void {
    for (const socket of this.#sockets) socket.terminate();
  }

  async stall(ms: number): Promise<void> {
    const stalled = [...this.#sockets];
    for (const socket of stalled) socket.pause();
    await new Promise((resolve) => setTimeout(resolve, ms));
    for (const socket of stalled) socket.resume();
  }

  close(): void {
    this.#session.close();
  }

  /** What was told before a frame belongs to it. */
  #tell(): void {
    const listening = this.#listening;
    for (const { fill_id: id, order_id: order, side, price, amount, fee } of this.#fills.splice(0))
      listening?.fills.push({ id, order, side, price, amount, fee });
    for (const order of this.#orders.splice(0)) {
      if (order.client_order_id !== null) this.#ids.set(order.client_order_id, order.order_id);
      const { order_id, status, filled } = order;
      listening?.orders.push({ order: order_id, status, filled, text: JSON.stringify(order) });
    }
  }

  #begin(epoch: number, seq: number): void {
    const listening: Listening = { client: "SDK", epoch, before: undefined, fills: [], orders: [] };
    this.#listening = listening;
    this.#options.history.listenings.push(listening);
    void this.#read(listening, seq);
  }

  /** What was before: with the first frame that it was given, or a later one. */
  async #read(listening: Listening, seq: number): Promise<void> {
    while (this.#listening === listening) {
      try {
        const [fills, orders] = await Promise.all([
          this.#session.trading.fills({ limit: page }),
          this.#session.trading.orders({ limit: page }),
        ]);
        const isOf = ({ epoch, seq: at }: { epoch: number; seq: number | null }) =>
          epoch === listening.epoch && (at ?? -1) >= seq;
        if (!isOf(fills) || !isOf(orders)) throw new Error("another moment");
        listening.before = {
          fills: fills.fills.map(
            ({ fill_id: id, order_id: order, side, price, amount, fee }): Fill => ({
              id,
              order,
              side,
              price,
              amount,
              fee,
            }),
          ),
          orders: new Map(orders.orders.map(({ order_id, status, filled }) => [order_id, { status, filled }])),
        };
        return;
      } catch (error) {
        this.problem = error;
        await new Promise((resolve) => setTimeout(resolve, 300));
      }
    }
  }
}
