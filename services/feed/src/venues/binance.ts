import { type DepthDiff, type DepthSnapshot, DepthSync } from "@tapedeck/market";
import { BinanceMessages, type Fields, fieldsOf, isFields, type SourceEvent, textsOf } from "@tapedeck/tape/messages";
import { get, type RestResponse } from "./connection/rest.js";
import type { MessageHandler, VenueConnection, VenueProtocol } from "./connection/socket-venue.js";
import { type HeardMessage, type UnusedMessage, VenueError } from "./venue.js";

interface RestPaths {
  readonly source: "BINANCE" | "BINANCE-FUTURES";
  /** Of a depth snapshot, and of the list of instruments. */
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

function protocol(api: RestPaths): VenueProtocol {
  return {
    source: api.source,
    decimals: 3,
    numbered: true,
    address(base, symbol) {
      const name = symbol.toLowerCase();
      const address = new URL(base);
      // Colons and slashes are part of the stream names; URLSearchParams would escape them.
      address.search = `streams=${name}@depth@100ms/${name}@trade`;
      return address;
    },
    createHandler: (connection) => new BinanceHandler(api, connection),
    symbolList: {
      paths: [api.listing],
      read: (answer) => ({ symbols: textsOf(fieldsOf(answer, "the answer").symbols, "symbol") }),
    },
  };
}

/** Wait before the next request for a snapshot: REST can lag behind the stream by this much. */
const snapshotRetryMs = 1_000;
const maxFailures = 5;
/** Snapshots in a row that are older than all buffered updates. */
const maxStaleSnapshots = 20;

/**
 * Sequence rule: a snapshot from REST, then the numbered updates of the stream (`DepthSync` of packages/market checks them). A
 * missing number invalidates the book until a new snapshot arrives, on the same connection.
 */
class BinanceHandler implements MessageHandler {
  readonly #api: RestPaths;
  readonly #connection: VenueConnection;
  readonly #messages = new BinanceMessages();
  readonly #sync: DepthSync<never>;
  readonly #heard = new WeakMap<DepthDiff | DepthSnapshot, HeardMessage>();
  /** Zero of the times that `DepthSync` receives. */
  #originNs: bigint | undefined;
  #requesting = false;
  #failures = 0;
  #requests = 0;
  #nextRequestAt = 0;

  constructor(api: RestPaths, connection: VenueConnection) {
    this.#api = api;
    this.#connection = connection;
    const { market } = connection;
    this.#sync = new DepthSync<never>(
      {
        book: (ns, change) => market.book((this.#originNs ?? 0n) + BigInt(ns), change),
        trade: () => {},
        gap: () => {}, // `bookLost` has reported it
      },
      {
        snapshotRequired: true,
        observer: {
          applying: (update) => {
            const heard = this.#heard.get(update);
            if (heard !== undefined) market.track?.apply(heard, this.#messageOf(update));
          },
          unused: (update, why) => {
            const heard = this.#heard.get(update);
            if (heard !== undefined) market.track?.unused(heard, why, this.#messageOf(update));
          },
        },
      },
    );
  }

  onOpen(): void {
    // The stream of an unknown symbol stays silent; REST refuses the symbol.
    const timer = setTimeout(() => this.#syncBook(), snapshotRetryMs);
    this.#connection.signal.addEventListener("abort", () => clearTimeout(timer), { once: true });
  }

  onMessage(message: unknown, receivedNs: bigint): void {
    const fields = fieldsOf(message, "the message");
    this.#onError(fields);
    const events: SourceEvent[] = [];
    this.#messages.read(fields, receivedNs, events);
    for (const event of events) this.#onEvent(event, receivedNs);
  }

  #onEvent(event: SourceEvent, receivedNs: bigint): void {
    if (event.kind === "trade") {
      this.#connection.market.trade({ ...event, ns: event.ns ?? receivedNs });
    } else if (event.kind === "diff" && event.ids !== undefined) {
      const { ids, bids, asks } = event;
      const diff = { ns: this.#nsSinceOrigin(event.ns ?? receivedNs), ...ids, bids, asks };
      this.#sync.diff(this.#hear(diff, event.ns));
      this.#syncBook();
    }
  }

  #syncBook(): void {
    if (this.#sync.synced) {
      this.#failures = this.#requests = 0;
      return;
    }
    this.#connection.market.bookLost(`Book updates of ${this.#api.source} are missing.`);
    if (this.#requesting || performance.now() < this.#nextRequestAt) return;
    const { source } = this.#api;
    if (++this.#requests > maxStaleSnapshots) {
      this.#connection.end(new VenueError("out of step", `${source}'s snapshots are older than its book updates.`));
      return;
    }
    this.#requesting = true;
    this.#fetchSnapshot().finally(() => {
      this.#requesting = false;
    });
  }

  async #fetchSnapshot(): Promise<void> {
    const { rest, symbol, signal } = this.#connection;
    const address = new URL(this.#api.depth, rest);
    address.search = String(new URLSearchParams({ symbol, limit: "1000" }));
    try {
      const response = await get(address, signal);
      if (signal.aborted) return;
      this.#nextRequestAt = performance.now() + (response.retryAfterS ?? 0) * 1000 + snapshotRetryMs;
      this.#applySnapshot(response);
    } catch (error) {
      if (signal.aborted) return;
      this.#nextRequestAt = performance.now() + snapshotRetryMs;
      this.#onFailure(`cannot be asked for a book snapshot: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  #applySnapshot({ status, text }: RestResponse): void {
    const { source } = this.#api;
    if (status === 400 || status === 404) {
      this.#connection.end(
        new VenueError("refused", `${source} refuses ${this.#connection.symbol}: ${errorText(text)}.`),
      );
    } else if (status !== 200) {
      this.#onFailure(`refuses to send a book snapshot: ${status} ${errorText(text)}`);
    } else {
      const futures = source === "BINANCE-FUTURES";
      const fields = fieldsOf(JSON.parse(text), "the snapshot");
      const receivedNs = this.#originNs ?? 0n;
      const snapshot = this.#messages.snapshot(fields, { symbol: this.#connection.symbol, futures }, receivedNs);
      const { lastId = 0, bids, asks } = snapshot;
      const whole = { ns: this.#nsSinceOrigin(snapshot.ns ?? receivedNs), lastId, bids, asks };
      this.#sync.snapshot(this.#hear(whole, snapshot.ns));
      // A snapshot older than all buffered updates does not help; the next update requests another.
    }
  }

  #onFailure(reason: string): void {
    if (++this.#failures < maxFailures) return;
    this.#connection.end(new VenueError("unreachable", `${this.#api.source} ${reason}.`));
  }

  /** `{"error":{"code":2,"msg":"..."}}`, in reply to a subscription. */
  #onError({ error }: Fields): void {
    if (!isFields(error)) return;
    this.#connection.end(new VenueError("refused", `${this.#api.source} refuses: ${String(error.msg)}.`));
  }

  /** Notes the order of receipt: an update may wait for a snapshot. */
  #hear<Update extends DepthDiff | DepthSnapshot>(update: Update, ns: bigint | undefined): Update {
    if (update.bids.length + update.asks.length === 0) return update;
    const heard = this.#connection.market.track?.hear(ns);
    if (heard !== undefined) this.#heard.set(update, heard);
    return update;
  }

  #messageOf(update: DepthDiff | DepthSnapshot): UnusedMessage {
    const { bids, asks } = update;
    if ("lastId" in update) {
      return { bids, asks, snapshot: true, ids: { last: update.lastId }, known: this.#sync.known };
    }
    const { first, last, previous } = update;
    return { bids, asks, snapshot: false, ids: { first, last, previous } };
  }

  #nsSinceOrigin(ns: bigint): number {
    this.#originNs ??= ns;
    return Number(ns - this.#originNs);
  }
}

/** `{"code":-1121,"msg":"Invalid symbol."}`, or the error page of a proxy. */
function errorText(text: string): string {
  try {
    const { msg } = fieldsOf(JSON.parse(text), "the answer");
    if (typeof msg === "string") return msg.replace(/\.$/, "");
  } catch {
    // not JSON: its beginning is enough
  }
  return text.slice(0, 100);
}
