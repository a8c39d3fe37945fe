import type { TimeDecimals } from "@tapedeck/protocol";
import { WebSocket } from "ws";
import {
  type MarketSink,
  type StreamOptions,
  type TrackSink,
  type Venue,
  VenueError,
  type VenueTrade,
} from "../venue.js";
import { agentFor } from "./proxy-agent.js";
import { fetchSymbols, type SymbolList } from "./rest.js";

/** How a venue's WebSocket API works, apart from any connection. */
export interface VenueProtocol {
  /** As users know it: `BITMEX`. */
  readonly source: string;
  readonly decimals: TimeDecimals;
  /** Where to connect for an instrument. `base` is the configured address. */
  address(base: URL, symbol: string): URL;
  createHandler(connection: VenueConnection): MessageHandler;
  readonly symbolList: SymbolList;
  /** Updates carry sequence numbers or checksums, so an unreadable message is noticed if it changed the book. */
  readonly numbered: boolean;
  /** Sent every `keepAliveMs` if the venue requires more than WebSocket pings. */
  readonly keepAlive?: string;
  /** Messages without meaning, such as the reply to `keepAlive` if it is not JSON. */
  readonly ignore?: ReadonlySet<string>;
}

/** Interprets a venue's messages and checks their sequence. One for each connection, so it starts without state. */
export interface MessageHandler {
  /** Called when the connection is open: subscribes. */
  onOpen?(): void;
  /** A parsed message. Throws if it is malformed. */
  onMessage(message: unknown, receivedNs: bigint, text: string): void;
}

/** The connection as its message handler sees it. */
export interface VenueConnection {
  readonly symbol: string;
  readonly market: MarketSink;
  /** Base address of the venue's REST API. */
  readonly rest: URL;
  readonly signal: AbortSignal;
  send(message: string): void;
  /** Ends the connection: the handler receives nothing afterwards. */
  end(error: VenueError): void;
}

export interface VenueAddresses {
  readonly socket: URL;
  /** Absent for a relay without a REST API. */
  readonly rest: URL | undefined;
}

const handshakeMs = 10_000;
const keepAliveMs = 5_000;
/** A connection without a pong for this long is dead. */
const pongTimeoutMs = 12_000;
/** The largest first book: tens of thousands of levels. */
const maxMessageBytes = 32 << 20;
/** After this many unreadable messages in a row the venue uses another protocol. */
const maxUnreadable = 100;

/** A venue that sends its market over a WebSocket. */
export class SocketVenue implements Venue {
  readonly decimals: TimeDecimals;
  readonly listSymbols: Venue["listSymbols"];
  readonly #protocol: VenueProtocol;
  readonly #addresses: VenueAddresses;

  constructor(protocol: VenueProtocol, addresses: VenueAddresses) {
    this.decimals = protocol.decimals;
    this.#protocol = protocol;
    this.#addresses = addresses;
    const { rest } = addresses;
    if (rest !== undefined) this.listSymbols = (signal) => fetchSymbols(protocol.symbolList, rest, signal);
  }

  stream(options: StreamOptions): Promise<void> {
    return new Promise((resolve, reject) => {
      const connection = new SocketConnection(this.#protocol, this.#addresses, options);
      connection.closed.then(resolve, reject);
    });
  }
}

/** One connection from its first packet to its last. */
class SocketConnection implements VenueConnection, MarketSink {
  readonly symbol: string;
  readonly rest: URL;
  readonly closed: Promise<void>;
  readonly #protocol: VenueProtocol;
  readonly #options: StreamOptions;
  readonly #socket: WebSocket;
  readonly #handler: MessageHandler;
  readonly #ended = new AbortController();
  readonly #timers: NodeJS.Timeout[] = [];
  #settle: { resolve(): void; reject(error: VenueError): void } = { resolve() {}, reject() {} };
  #lastEventAt = performance.now();
  /** The first trade since the last book update. A trade takes from the book, so an update has to follow. */
  #tradedAt: number | undefined;
  #lastPongAt = performance.now();
  #unreadable = 0;

  constructor(protocol: VenueProtocol, { socket, rest }: VenueAddresses, options: StreamOptions) {
    this.#protocol = protocol;
    this.#options = options;
    this.symbol = options.symbol;
    this.rest = rest ?? socket;
    this.closed = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    const address = protocol.address(socket, options.symbol);
    this.#socket = new WebSocket(address, {
      agent: agentFor(address),
      handshakeTimeout: handshakeMs,
      maxPayload: maxMessageBytes,
      perMessageDeflate: false,
      skipUTF8Validation: true,
    });
    this.#handler = protocol.createHandler(this);
    this.#listen(address);
    options.signal.addEventListener("abort", this.#abort, { once: true });
    if (options.signal.aborted) this.#abort();
  }

  // --- for the message handler ---

  get market(): MarketSink {
    return this;
  }

  get signal(): AbortSignal {
    return this.#ended.signal;
  }

  send(message: string): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(message);
  }

  end(error: VenueError): void {
    if (this.#close()) this.#settle.reject(error);
  }

  // --- the market, passed on, with the time of its last event noted ---

  book(...event: Parameters<MarketSink["book"]>): void {
    if (this.signal.aborted) return;
    this.#lastEventAt = performance.now();
    this.#tradedAt = undefined;
    this.#options.market.book(...event);
  }

  trade(trade: VenueTrade): void {
    if (this.signal.aborted) return;
    this.#lastEventAt = performance.now();
    this.#tradedAt ??= this.#lastEventAt;
    const { silenceMs, market } = this.#options;
    if (this.#lastEventAt - this.#tradedAt <= silenceMs) {
      market.trade(trade);
      return;
    }
    // One trade that changed no level, before a quiet period, proves nothing; a series of trades does.
    const what = `sent trades of ${this.symbol} for ${inSeconds(silenceMs)} without a book update`;
    this.end(new VenueError("out of step", `${this.#protocol.source} ${what}.`));
  }

  get track(): TrackSink | undefined {
    return this.#options.market.track;
  }

  bookLost(reason: string): void {
    if (!this.signal.aborted) this.#options.market.bookLost(reason);
  }

  unreadable(error: unknown, text: string): void {
    if (!this.signal.aborted) this.#options.market.unreadable(error, text);
  }

  // --- the socket ---

  #listen(address: URL): void {
    const { source, keepAlive } = this.#protocol;
    const socket = this.#socket;
    socket.on("open", () => {
      this.#lastPongAt = this.#lastEventAt = performance.now();
      this.#guard("", () => this.#handler.onOpen?.());
      this.#timers.push(
        setInterval(() => {
          socket.ping();
          if (keepAlive !== undefined) socket.send(keepAlive);
          this.#checkTimeouts();
        }, keepAliveMs),
        setInterval(() => this.#checkTimeouts(), Math.min(keepAliveMs, this.#options.silenceMs / 4)),
      );
    });
    socket.on("pong", () => {
      this.#lastPongAt = performance.now();
    });
    socket.on("message", (data, isBinary) => this.#onMessage(isBinary ? "" : String(data)));
    socket.on("unexpected-response", (_, response) => {
      const { statusCode = 0, statusMessage } = response;
      // A 5xx passes by itself; a ban or a limit does not.
      const kind = statusCode >= 500 ? "unreachable" : "refused";
      this.end(new VenueError(kind, `${source} refuses connections: ${statusCode} ${statusMessage}.`));
    });
    socket.on("error", (error) => {
      const message = `${source} cannot be reached at ${address.host}: ${reasonOf(error)}.`;
      this.end(new VenueError("unreachable", message, { cause: error }));
    });
    socket.on("close", (code, reason) => {
      const detail = reason.length > 0 ? `${code} ${reason}` : String(code);
      this.end(new VenueError("lost", `${source} closed the connection (${detail}).`));
    });
  }

  // HOT: for each message of the venue.
  #onMessage(text: string): void {
    if (this.signal.aborted || this.#protocol.ignore?.has(text)) return;
    const receivedNs = this.#options.now();
    this.#guard(text, () => this.#handler.onMessage(JSON.parse(text), receivedNs, text));
  }

  /** No message of a venue may throw beyond this. */
  #guard(text: string, handle: () => void): void {
    try {
      handle();
      this.#unreadable = 0;
    } catch (error) {
      const { source, numbered } = this.#protocol;
      this.unreadable(error, text);
      this.#unreadable++;
      if (numbered && this.#unreadable < maxUnreadable) return;
      this.end(new VenueError("out of step", `${source} sent an unreadable message: ${reasonOf(error)}.`));
    }
  }

  #checkTimeouts(): void {
    const { source } = this.#protocol;
    const { silenceMs } = this.#options;
    const now = performance.now();
    if (now - this.#lastPongAt > pongTimeoutMs) {
      this.end(new VenueError("lost", `The connection to ${source} is dead: pings get no answer.`));
    } else if (now - this.#lastEventAt > silenceMs) {
      const what = `sent nothing about ${this.symbol} for ${inSeconds(silenceMs)}`;
      this.end(new VenueError("silent", `${source} ${what}.`));
    }
  }

  readonly #abort = (): void => {
    if (this.#close()) this.#settle.resolve();
  };

  #close(): boolean {
    if (this.signal.aborted) return false;
    this.#ended.abort();
    for (const timer of this.#timers) clearInterval(timer);
    this.#options.signal.removeEventListener("abort", this.#abort);
    // At once: a venue that does not answer a closing handshake would hold the connection for half a minute.
    this.#socket.terminate();
    return true;
  }
}

function inSeconds(ms: number): string {
  return `${Math.round(ms / 100) / 10} s`;
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // Several addresses were tried in turn; the error's own message is empty.
  if (error instanceof AggregateError && error.errors.length > 0) return reasonOf(error.errors[0]);
  return error.message.replace(/\.$/, "");
}
