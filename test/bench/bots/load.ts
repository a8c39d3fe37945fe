import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

/** Best prices at some moments of the tape. */
export interface PriceAt {
  /** Wall time. */
  readonly atMs: number;
  readonly bid: string;
  readonly ask: string;
}

/** A bot's place: a session's venue, and its key. */
export interface BotSeat {
  /** Up to the session, of http. */
  readonly url: string;
  readonly apiKey: string;
  readonly secret: string;
}

export type BotsOrder =
  | { readonly type: "connect"; readonly seats: readonly BotSeat[]; readonly symbol: string; readonly amount: string }
  /** From one action of a bot to the next, on average; and what each bot knows of its market, in the order of time. */
  | { readonly type: "begin"; readonly everyMs: number; readonly prices: readonly (readonly PriceAt[])[] }
  | { readonly type: "end" };

/** An action and its answer. Times in ms. */
export interface Answered {
  readonly via: "REST" | "WebSocket API";
  readonly tookMs: number;
}

/** An event of a user stream. */
export interface Heard {
  readonly seat: number;
  /** Of what a trade of the market filled, or of what an order met when it arrived. */
  readonly cause: "market" | "order";
  /** When it happened, in the venue's time, and when it came. */
  readonly happenedMs: number;
  readonly atMs: number;
}

export interface BotsReport {
  readonly type: "report";
  readonly answered: readonly Answered[];
  readonly heard: readonly Heard[];
  /** Orders that were placed, and messages of user streams of any kind. */
  readonly orders: number;
  readonly messages: number;
  readonly refused: number;
  readonly closed: number;
}

export type BotsReply = { readonly type: "connected" } | { readonly type: "begun" } | BotsReport;

/** A process of bots that trade, and note how long it takes; its CPU time is not counted. */
export class BotsLoad {
  readonly #child: ChildProcess;

  constructor() {
    this.#child = fork(fileURLToPath(new URL("bots-client.ts", import.meta.url)), { serialization: "advanced" });
  }

  async connect(seats: readonly BotSeat[], symbol: string, amount: string): Promise<void> {
    await this.#ask({ type: "connect", seats, symbol, amount });
  }

  async begin(everyMs: number, prices: readonly (readonly PriceAt[])[]): Promise<void> {
    await this.#ask({ type: "begin", everyMs, prices });
  }

  async end(): Promise<BotsReport> {
    const reply = await this.#ask({ type: "end" });
    if (reply.type !== "report") throw new Error(`the bots answered ${reply.type}`);
    return reply;
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const gone = once(this.#child, "exit");
    this.#child.disconnect();
    await gone;
  }

  #ask(order: BotsOrder): Promise<BotsReply> {
    return new Promise((resolve, reject) => {
      const answered = (reply: BotsReply) => {
        this.#child.off("exit", died);
        resolve(reply);
      };
      const died = (code: number | null) => reject(new Error(`the bots ended with ${code}`));
      this.#child.once("message", answered);
      this.#child.once("exit", died);
      this.#child.send(order);
    });
  }
}
