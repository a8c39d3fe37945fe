import { DepthSync } from "@tapedeck/market";
import { BinanceMessages, type Fields, fieldsOf, isFields, type SourceEvent, textsOf } from "@tapedeck/tape/messages";
import { get, type RestResponse } from "./connection/rest.js";
import type { HandlerContext, MessageHandler, VenueProtocol } from "./connection/socket-venue.js";
import { VenueError } from "./venue.js";

interface Flavour {
  readonly source: "BINANCE" | "BINANCE-FUTURES";
  /** In REST: of a depth snapshot, and of what is traded. */
  readonly depth: string;
  readonly listing: string;
}

/** Spot: https://developers.binance.com/docs/binance-spot-api-docs/web-socket-streams */
export const binance: VenueProtocol = protocol({
  source: "BINANCE",
  depth: "/api/v3/depth",
  listing: "/api/v3/exchangeInfo?showPermissionSets=false",
});
/** USDS-margined futures: https://developers.binance.com/docs/derivatives/usds-margined-futures */
export const binanceFutures: VenueProtocol = protocol({
  source: "BINANCE-FUTURES",
  depth: "/fapi/v1/depth",
  listing: "/fapi/v1/exchangeInfo",
});

function protocol(flavour: Flavour): VenueProtocol {
  return {
    source: flavour.source,
    decimals: 3,
    numbered: true,
    address(base, symbol) {
      const name = symbol.toLowerCase();
      const address = new URL(base);
      // Colons and slashes are part of the streams' names: URLSearchParams would escape them.
      address.search = `streams=${name}@depth@100ms/${name}@trade`;
      return address;
    },
    createHandler: (line) => new BinanceHandler(flavour, line),
    symbolList: {
      paths: [flavour.listing],
      read: (answer) => ({ symbols: textsOf(fieldsOf(answer, "the answer").symbols, "symbol") }),
    },
  };
}

/** Waiting time before a snapshot is asked for again: REST lags behind the stream by that much at times. */
const askAgainMs = 1_000;
const mostFailures = 5;
/** Snapshots in a row that were older than all changes at hand. */
const mostStale = 20;

/**
 * The book is built from a snapshot, which REST gives, and the numbered changes on the stream. Where a number is missing the
 * book is broken, and a new snapshot mends it without a new connection.
 */
class BinanceHandler implements MessageHandler {
  readonly #flavour: Flavour;
  readonly #line: HandlerContext;
  readonly #messages = new BinanceMessages();
  readonly #sync: DepthSync<never>;
  /** Times for `DepthSync` count from here. */
  #originNs: bigint | undefined;
  #asking = false;
  #failures = 0;
  #asked = 0;
  #askAt = 0;

  constructor(flavour: Flavour, line: HandlerContext) {
    this.#flavour = flavour;
    this.#line = line;
    const { market } = line;
    this.#sync = new DepthSync<never>(
      {
        book: (ns, change) => market.book((this.#originNs ?? 0n) + BigInt(ns), change),
        trade: () => {},
        gap: () => {}, // told by `broken` when it happened
      },
      { snapshotRequired: true },
    );
  }

  onOpen(): void {
    // The stream of a symbol that there is not says nothing, ever; REST knows.
    const timer = setTimeout(() => this.#look(), askAgainMs);
    this.#line.signal.addEventListener("abort", () => clearTimeout(timer), { once: true });
  }

  onMessage(message: unknown, receivedNs: bigint): void {
    const fields = fieldsOf(message, "the message");
    this.#refusal(fields);
    const events: SourceEvent[] = [];
    this.#messages.read(fields, receivedNs, events);
    for (const event of events) this.#take(event, receivedNs);
  }

  #take(event: SourceEvent, receivedNs: bigint): void {
    if (event.kind === "trade") {
      this.#line.market.trade({ ...event, ns: event.ns ?? receivedNs });
    } else if (event.kind === "diff" && event.ids !== undefined) {
      this.#sync.diff({ ns: this.#since(event.ns ?? receivedNs), ...event.ids, bids: event.bids, asks: event.asks });
      this.#look();
    }
  }

  #look(): void {
    if (this.#sync.synced) {
      this.#failures = this.#asked = 0;
      return;
    }
    this.#line.market.bookLost(`Book updates of ${this.#flavour.source} are missing.`);
    if (this.#asking || performance.now() < this.#askAt) return;
    const { source } = this.#flavour;
    if (++this.#asked > mostStale) {
      this.#line.end(new VenueError("out of step", `${source}'s snapshots are older than its book updates.`));
      return;
    }
    this.#asking = true;
    this.#ask().finally(() => {
      this.#asking = false;
    });
  }

  async #ask(): Promise<void> {
    const { rest, symbol, signal } = this.#line;
    const address = new URL(this.#flavour.depth, rest);
    address.search = String(new URLSearchParams({ symbol, limit: "1000" }));
    try {
      const answer = await get(address, signal);
      if (signal.aborted) return;
      this.#askAt = performance.now() + (answer.retryAfterS ?? 0) * 1000 + askAgainMs;
      this.#place(answer);
    } catch (error) {
      if (signal.aborted) return;
      this.#askAt = performance.now() + askAgainMs;
      this.#failed(`cannot be asked for its book: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  #place({ status, text }: RestResponse): void {
    const { source } = this.#flavour;
    if (status === 400 || status === 404) {
      this.#line.end(new VenueError("refused", `${source} refuses ${this.#line.symbol}: ${wordsOf(text)}.`));
    } else if (status !== 200) {
      this.#failed(`does not give its book: ${status} ${wordsOf(text)}`);
    } else {
      const futures = source === "BINANCE-FUTURES";
      const fields = fieldsOf(JSON.parse(text), "the snapshot");
      const receivedNs = this.#originNs ?? 0n;
      const snapshot = this.#messages.snapshot(fields, { symbol: this.#line.symbol, futures }, receivedNs);
      const { lastId = 0, bids, asks } = snapshot;
      this.#sync.snapshot({ ns: this.#since(snapshot.ns ?? receivedNs), lastId, bids, asks });
      // One that is older than all changes at hand mends nothing: then the next change asks again.
    }
  }

  #failed(reason: string): void {
    if (++this.#failures < mostFailures) return;
    this.#line.end(new VenueError("unreachable", `${this.#flavour.source} ${reason}.`));
  }

  /** `{"error":{"code":2,"msg":"..."}}`, in answer to a subscription. */
  #refusal({ error }: Fields): void {
    if (!isFields(error)) return;
    this.#line.end(new VenueError("refused", `${this.#flavour.source} refuses: ${String(error.msg)}.`));
  }

  #since(ns: bigint): number {
    this.#originNs ??= ns;
    return Number(ns - this.#originNs);
  }
}

/** `{"code":-1121,"msg":"Invalid symbol."}`, or whatever a proxy in between says. */
function wordsOf(text: string): string {
  try {
    const { msg } = fieldsOf(JSON.parse(text), "the answer");
    if (typeof msg === "string") return msg.replace(/\.$/, "");
  } catch {
    // not JSON: its beginning says enough
  }
  return text.slice(0, 100);
}
