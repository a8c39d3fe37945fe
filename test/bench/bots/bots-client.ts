// The bots of the benchmark: gets its orders over IPC.
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { Agent, request } from "node:http";
import WebSocket from "ws";
import { z } from "zod";
import type { Answered, BotSeat, BotsOrder, BotsReply, Heard, PriceAt } from "./load.js";

const clock = () => performance.timeOrigin + performance.now();

/** How long the first orders of all bots may take. */
const warmUpMs = 120_000;

/** Resting orders of a bot; beyond it cancels the oldest. */
const mostResting = 3;

const placed = z.looseObject({ orderId: z.number(), status: z.string() });
const answer = z.looseObject({
  id: z.number().nullish(),
  status: z.number().optional(),
  result: z.unknown().optional(),
});
const report = z.looseObject({ e: z.literal("executionReport"), x: z.string(), m: z.boolean(), T: z.number() });

const counts = { orders: 0, messages: 0, refused: 0, closed: 0 };
const answered: Answered[] = [];
const heard: Heard[] = [];
let noting = false;
let running = true;

interface Traded {
  readonly symbol: string;
  readonly amount: string;
}

class Bot {
  readonly #seat: BotSeat;
  readonly #place: number;
  readonly #market: Traded;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, (message: z.infer<typeof answer>) => void>();
  readonly #resting: number[] = [];
  #acts = 0;
  #requests = 0;
  #prices: readonly PriceAt[] = [];
  #begin: () => void = () => {};
  /** Its first action has been answered. */
  readonly begun = new Promise<void>((resolve) => {
    this.#begin = resolve;
  });

  constructor(seat: BotSeat, place: number, market: Traded) {
    this.#seat = seat;
    this.#place = place;
    this.#market = market;
    this.#socket = new WebSocket(`${seat.url.replace(/^http/, "ws")}/ws-api/v3`, { perMessageDeflate: false });
    this.#socket.on("message", (data: Buffer) => this.#receive(data.toString()));
    this.#socket.on("close", () => {
      counts.closed++;
    });
  }

  async open(): Promise<void> {
    await once(this.#socket, "open");
    const { status } = await this.#ask("userDataStream.subscribe.signature", {});
    if (status !== 200) throw new Error(`no user stream: ${status}`);
  }

  /** Acts at random times, one action after the other. */
  async trade(everyMs: number, prices: readonly PriceAt[]): Promise<void> {
    this.#prices = prices;
    await sleep(Math.random() * everyMs);
    while (running) {
      const began = clock();
      await this.#act();
      await sleep(Math.max(0, began + (0.5 + Math.random()) * everyMs - clock()));
    }
  }

  async #act(): Promise<void> {
    const nth = this.#acts++;
    const { symbol, amount } = this.#market;
    const viaRest = nth % 2 === 0;
    const oldest = this.#resting.length > mostResting ? this.#resting.shift() : undefined;
    if (oldest !== undefined) {
      await this.#send(viaRest, "DELETE", { symbol, orderId: oldest });
      return;
    }
    const side = Math.floor(nth / 2) % 2 === this.#place % 2 ? "BUY" : "SELL";
    const common = { symbol, side, quantity: amount };
    const { bid, ask } = this.#best();
    const isLimit = nth % 3 !== 0;
    const price = side === "BUY" ? bid : ask;
    const fields = isLimit ? { ...common, type: "LIMIT", timeInForce: "GTC", price } : { ...common, type: "MARKET" };
    const order = await this.#send(viaRest, "POST", fields);
    if (order === undefined) return;
    counts.orders += noting ? 1 : 0;
    if (order.status === "NEW") this.#resting.push(order.orderId);
  }

  #best(): Pick<PriceAt, "bid" | "ask"> {
    const now = clock();
    const prices = this.#prices;
    const found = prices[Math.max(0, prices.findIndex(({ atMs }) => atMs > now) - 1)];
    if (found === undefined) throw new Error("no prices");
    return found;
  }

  async #send(viaRest: boolean, method: "POST" | "DELETE", fields: Record<string, string | number>) {
    const began = clock();
    const { status, result } = viaRest
      ? await this.#rest(method, fields)
      : await this.#ask(method === "POST" ? "order.place" : "order.cancel", fields);
    const tookMs = clock() - began;
    this.#begin();
    if (noting) answered.push({ via: viaRest ? "REST" : "WebSocket API", tookMs });
    if (status === 200) return placed.parse(result);
    // An order that is filled cannot be cancelled, and a balance may be used up: both are answers.
    if (noting) counts.refused++;
    return undefined;
  }

  async #rest(method: string, fields: Record<string, string | number>) {
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries({ ...fields, timestamp: Date.now() })) query.set(name, `${value}`);
    const text = query.toString();
    const url = `${this.#seat.url}/api/v3/order?${text}&signature=${this.#signature(text)}`;
    return await new Promise<{ status: number; result: unknown }>((resolve, reject) => {
      const sent = request(url, { method, agent: this.#agent, headers: { "X-MBX-APIKEY": this.#seat.apiKey } });
      sent.once("error", reject);
      sent.once("response", (response) => {
        let body = "";
        response.setEncoding("utf8");
        response.on("data", (part: string) => {
          body += part;
        });
        response.once("end", () => resolve({ status: response.statusCode ?? 0, result: JSON.parse(body) }));
      });
      sent.end();
    });
  }

  #ask(method: string, params: Record<string, string | number>): Promise<z.infer<typeof answer>> {
    const id = ++this.#requests;
    const all: Record<string, string | number> = { ...params, apiKey: this.#seat.apiKey, timestamp: Date.now() };
    const text = Object.keys(all)
      .sort()
      .map((name) => `${name}=${all[name]}`)
      .join("&");
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      this.#socket.send(JSON.stringify({ id, method, params: { ...all, signature: this.#signature(text) } }));
    });
  }

  #signature(text: string): string {
    return createHmac("sha256", this.#seat.secret).update(text).digest("hex");
  }

  #receive(text: string): void {
    const atMs = clock();
    const message: unknown = JSON.parse(text);
    const reply = answer.parse(message);
    if (typeof reply.id === "number") {
      this.#waiting.get(reply.id)?.(reply);
      this.#waiting.delete(reply.id);
      return;
    }
    if (!noting) return;
    counts.messages++;
    const told = report.safeParse(z.looseObject({ event: z.unknown() }).parse(message).event);
    if (!told.success) return;
    const { x, m, T: happenedMs } = told.data;
    heard.push({ seat: this.#place, cause: x === "TRADE" && m ? "market" : "order", happenedMs, atMs });
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

const bots: Bot[] = [];
const send = (reply: BotsReply) => process.send?.(reply);

process.on("message", async (order: BotsOrder) => {
  if (order.type === "connect") {
    const { symbol, amount } = order;
    for (const [place, seat] of order.seats.entries()) {
      const bot = new Bot(seat, place, { symbol, amount });
      await bot.open();
      bots.push(bot);
    }
    send({ type: "connected" });
  } else if (order.type === "begin") {
    if (!running || noting) throw new Error("it runs already");
    for (const [place, bot] of bots.entries()) void bot.trade(order.everyMs, order.prices[place] ?? []);
    // A session's first order makes the venue read its market: that is not what is measured.
    await Promise.race([Promise.all(bots.map(({ begun }) => begun)), sleep(warmUpMs)]);
    noting = true;
    send({ type: "begun" });
  } else {
    noting = false;
    running = false;
    send({ type: "report", answered, heard, ...counts });
  }
});
process.on("disconnect", () => process.exit());
