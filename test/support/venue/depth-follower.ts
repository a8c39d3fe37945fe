import { once } from "node:events";
import { WebSocket } from "ws";
import { z } from "zod";

const level = z.tuple([z.string(), z.string()]);
const snapshot = z.object({ lastUpdateId: z.number(), bids: z.array(level), asks: z.array(level) });
const update = z.object({
  e: z.literal("depthUpdate"),
  U: z.number(),
  u: z.number(),
  pu: z.number().optional(),
  b: z.array(level),
  a: z.array(level),
});
type Update = z.infer<typeof update>;
export type Snapshot = z.infer<typeof snapshot>;

export interface DepthFollowerOptions {
  /** Address of a session's venue, such as `http://localhost:8000/venue/binance/ID`, for the socket, and for requests. */
  readonly socket: string;
  readonly requests: string;
  readonly market: "spot" | "usdm";
  /** Such as `btcusdt@depth`. */
  readonly stream: string;
}

/** Keeps a local book by the rules that Binance gives for each market, and notes every message that breaks one. It connects once. */
export class DepthFollower {
  readonly broken: string[] = [];
  /** Of each update, in their order. */
  readonly ids: { readonly first: number; readonly last: number }[] = [];
  readonly texts: string[] = [];
  readonly bids = new Map<string, string>();
  readonly asks = new Map<string, string>();
  /** How often the snapshot had to be asked for. */
  snapshots = 0;
  closed: { readonly code: number; readonly reason: string } | undefined;
  readonly #options: DepthFollowerOptions;
  readonly #socket: WebSocket;
  #buffer: Update[] | undefined = [];
  #lastId = 0;
  /** The last update of the local book, once there is one. */
  #previous: Update | undefined;

  private constructor(options: DepthFollowerOptions) {
    this.#options = options;
    this.#socket = new WebSocket(`${options.socket.replace(/^http/, "ws")}/ws/${options.stream}`);
    this.#socket.on("message", (data) => this.#receive(data.toString()));
    this.#socket.on("close", (code, reason) => {
      this.closed = { code, reason: reason.toString() };
    });
  }

  /** Connects, and resolves when it has a book. */
  static async connect(options: DepthFollowerOptions): Promise<DepthFollower> {
    const follower = new DepthFollower(options);
    await once(follower.#socket, "open");
    await follower.#synchronize();
    return follower;
  }

  get market(): DepthFollowerOptions["market"] {
    return this.#options.market;
  }

  get lastId(): number {
    return this.#lastId;
  }

  /** The local book as the venue's answer would have it. */
  get book(): Pick<Snapshot, "bids" | "asks"> {
    const sorted = (side: ReadonlyMap<string, string>, direction: 1 | -1) =>
      [...side].sort(([a], [b]) => direction * (Number(a) - Number(b)));
    return { bids: sorted(this.bids, -1), asks: sorted(this.asks, 1) };
  }

  async snapshot(): Promise<Snapshot> {
    const { requests, market, stream } = this.#options;
    const symbol = stream.split("@")[0]?.toUpperCase();
    const path =
      market === "spot" ? `api/v3/depth?symbol=${symbol}&limit=5000` : `fapi/v1/depth?symbol=${symbol}&limit=1000`;
    const answer = await fetch(`${requests}/${path}`);
    const body: unknown = await answer.json();
    if (answer.status !== 200) throw new Error(`${path} answered ${answer.status}: ${JSON.stringify(body)}`);
    return snapshot.parse(body);
  }

  close(): void {
    this.#socket.close();
  }

  /** A snapshot that fits to what was heard, and then the updates from there on. */
  async #synchronize(): Promise<void> {
    for (;;) {
      const { lastUpdateId, bids, asks } = await this.snapshot();
      this.snapshots++;
      const buffered = this.#buffer ?? [];
      const [first] = buffered;
      if (first !== undefined && lastUpdateId < first.U - 1) continue; // older than what was heard
      this.bids.clear();
      this.asks.clear();
      for (const [price, quantity] of bids) this.bids.set(price, quantity);
      for (const [price, quantity] of asks) this.asks.set(price, quantity);
      this.#lastId = lastUpdateId;
      this.#buffer = undefined;
      const isOld = ({ u }: Update) => (this.#options.market === "spot" ? u <= lastUpdateId : u < lastUpdateId);
      for (const each of buffered) if (!isOld(each)) this.#apply(each);
      return;
    }
  }

  #receive(text: string): void {
    const message = update.parse(JSON.parse(text));
    this.texts.push(text);
    this.ids.push({ first: message.U, last: message.u });
    if (message.u - message.U < 1) this.broken.push(`an update spans one id: ${text.slice(0, 100)}`);
    if (this.#buffer === undefined) this.#apply(message);
    else this.#buffer.push(message);
  }

  #apply(message: Update): void {
    const { U, u, pu } = message;
    if (this.#options.market === "usdm") {
      const first = this.#previous === undefined;
      const follows = first
        ? pu === this.#lastId || (U <= this.#lastId && u >= this.#lastId)
        : pu === this.#previous?.u;
      if (!follows) this.broken.push(`pu ${pu}, U ${U} and u ${u} do not follow ${this.#lastId}`);
    } else if (U > this.#lastId + 1) this.broken.push(`U ${U} does not follow ${this.#lastId}`);
    if (this.#previous !== undefined && U !== this.#previous.u + 1)
      this.broken.push(`U ${U} is not ${this.#previous.u} + 1`);
    this.#previous = message;
    this.#lastId = u;
    set(this.bids, message.b);
    set(this.asks, message.a);
  }
}

function set(side: Map<string, string>, levels: Update["b"]): void {
  for (const [price, quantity] of levels) {
    if (Number(quantity) === 0) side.delete(price);
    else side.set(price, quantity);
  }
}
