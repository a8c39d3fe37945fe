import type { TimeDecimals } from "@tapedeck/protocol";
import { WebSocket } from "ws";
import { type MarketSink, type StreamOptions, type Venue, VenueError, type VenueTrade } from "../venue.js";
import { fetchSymbols, type SymbolList } from "./listing.js";
import { agentFor } from "./proxies.js";

/** What a protocol can do with the connection that it speaks over. */
export interface HandlerContext {
  readonly symbol: string;
  readonly market: MarketSink;
  /** Of REST, where the venue has one. */
  readonly rest: URL;
  readonly signal: AbortSignal;
  send(message: string): void;
  /** Ends the connection: nothing that is heard afterwards reaches the protocol. */
  end(trouble: VenueError): void;
}

/** Understands what a venue says over one connection. Made anew for each, so it begins with no state. */
export interface MessageHandler {
  /** Called when the connection is open: subscribes. */
  onOpen?(): void;
  /** A message, parsed. Throws where it makes no sense. */
  onMessage(message: unknown, receivedNs: bigint, text: string): void;
}

/** How to speak with a venue, apart from any connection. */
export interface VenueProtocol {
  /** As users know it: `BITMEX`. */
  readonly source: string;
  readonly decimals: TimeDecimals;
  /** Where to connect for an instrument. `base` is as configured. */
  address(base: URL, symbol: string): URL;
  createHandler(line: HandlerContext): MessageHandler;
  readonly symbolList: SymbolList;
  /** Updates bear numbers, so that a message that cannot be read is noticed where it mattered. */
  readonly numbered: boolean;
  /** Sent every `keepAliveMs` where the venue wants more than WebSocket's own pings. */
  readonly keepAlive?: string;
  /** Texts that mean nothing, such as the answer to `keepAlive` where that is no JSON. */
  readonly ignore?: ReadonlySet<string>;
}

export interface VenueAddresses {
  readonly socket: URL;
  /** Absent for a stand-in or relay without one. */
  readonly rest: URL | undefined;
}

const handshakeMs = 10_000;
const keepAliveMs = 5_000;
/** A connection whose pings find no echo for this long is dead, however much it looks alive. */
const echoMs = 12_000;
/** The largest first book: tens of thousands of levels. */
const mostBytes = 32 << 20;
/** Unreadable messages in a row after which the venue speaks another language. */
const mostNonsense = 100;

/** A venue that is heard over a WebSocket. */
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

  stream(connection: StreamOptions): Promise<void> {
    return new Promise((resolve, reject) => {
      const hearing = new SocketConnection(this.#protocol, this.#addresses, connection);
      hearing.over.then(resolve, reject);
    });
  }
}

/** One connection from its first packet to its last. */
class SocketConnection implements HandlerContext, MarketSink {
  readonly symbol: string;
  readonly rest: URL;
  readonly over: Promise<void>;
  readonly #protocol: VenueProtocol;
  readonly #connection: StreamOptions;
  readonly #socket: WebSocket;
  readonly #dialogue: MessageHandler;
  readonly #ended = new AbortController();
  readonly #timers: NodeJS.Timeout[] = [];
  #finish: { resolve(): void; reject(trouble: VenueError): void } = { resolve() {}, reject() {} };
  #toldAt = performance.now();
  /** The first trade since the book has changed: a trade takes from the book, so a change has to follow. */
  #tradedAt: number | undefined;
  #echoAt = performance.now();
  #nonsense = 0;

  constructor(protocol: VenueProtocol, { socket, rest }: VenueAddresses, connection: StreamOptions) {
    this.#protocol = protocol;
    this.#connection = connection;
    this.symbol = connection.symbol;
    this.rest = rest ?? socket;
    this.over = new Promise((resolve, reject) => {
      this.#finish = { resolve, reject };
    });
    const address = protocol.address(socket, connection.symbol);
    this.#socket = new WebSocket(address, {
      agent: agentFor(address),
      handshakeTimeout: handshakeMs,
      maxPayload: mostBytes,
      perMessageDeflate: false,
      skipUTF8Validation: true,
    });
    this.#dialogue = protocol.createHandler(this);
    this.#attend(address);
    connection.signal.addEventListener("abort", this.#leave, { once: true });
    if (connection.signal.aborted) this.#leave();
  }

  // --- what the dialogue sees ---

  get market(): MarketSink {
    return this;
  }

  get signal(): AbortSignal {
    return this.#ended.signal;
  }

  send(message: string): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(message);
  }

  end(trouble: VenueError): void {
    if (this.#close()) this.#finish.reject(trouble);
  }

  // --- the market, with an ear on how long nothing was told ---

  book(...event: Parameters<MarketSink["book"]>): void {
    if (this.signal.aborted) return;
    this.#toldAt = performance.now();
    this.#tradedAt = undefined;
    this.#connection.market.book(...event);
  }

  trade(trade: VenueTrade): void {
    if (this.signal.aborted) return;
    this.#toldAt = performance.now();
    this.#tradedAt ??= this.#toldAt;
    const { silenceMs, market } = this.#connection;
    if (this.#toldAt - this.#tradedAt <= silenceMs) {
      market.trade(trade);
      return;
    }
    // One trade that moved no level, before a quiet, says nothing; trades that go on do.
    const dead = `sent trades of ${this.symbol} for ${inSeconds(silenceMs)} and no change of its book.`;
    this.end(new VenueError("out of step", `${this.#protocol.source} has ${dead}`));
  }

  bookLost(reason: string): void {
    if (!this.signal.aborted) this.#connection.market.bookLost(reason);
  }

  unreadable(error: unknown, text: string): void {
    if (!this.signal.aborted) this.#connection.market.unreadable(error, text);
  }

  // --- the socket ---

  #attend(address: URL): void {
    const { source, keepAlive } = this.#protocol;
    const socket = this.#socket;
    socket.on("open", () => {
      this.#echoAt = this.#toldAt = performance.now();
      this.#attempt("", () => this.#dialogue.onOpen?.());
      this.#timers.push(
        setInterval(() => {
          socket.ping();
          if (keepAlive !== undefined) socket.send(keepAlive);
          this.#look();
        }, keepAliveMs),
        setInterval(() => this.#look(), Math.min(keepAliveMs, this.#connection.silenceMs / 4)),
      );
    });
    socket.on("pong", () => {
      this.#echoAt = performance.now();
    });
    socket.on("message", (data, isBinary) => this.#hear(isBinary ? "" : String(data)));
    socket.on("unexpected-response", (_, response) => {
      const { statusCode = 0, statusMessage } = response;
      // 5xx passes by itself; what is forbidden or too much does not.
      const kind = statusCode >= 500 ? "unreachable" : "refused";
      this.end(new VenueError(kind, `${source} refuses connections: ${statusCode} ${statusMessage}.`));
    });
    socket.on("error", (error) => {
      this.end(
        new VenueError("unreachable", `${source} cannot be reached at ${address.host}: ${reasonOf(error)}.`, {
          cause: error,
        }),
      );
    });
    socket.on("close", (code, reason) => {
      const said = reason.length > 0 ? `${code} ${reason}` : String(code);
      this.end(new VenueError("lost", `${source} closed the connection (${said}).`));
    });
  }

  // HOT: for each message of the venue.
  #hear(text: string): void {
    if (this.signal.aborted || this.#protocol.ignore?.has(text)) return;
    const receivedNs = this.#connection.now();
    this.#attempt(text, () => this.#dialogue.onMessage(JSON.parse(text), receivedNs, text));
  }

  /** Nothing that a venue sends may go further than this. */
  #attempt(text: string, act: () => void): void {
    try {
      act();
      this.#nonsense = 0;
    } catch (error) {
      const { source, numbered } = this.#protocol;
      this.unreadable(error, text);
      this.#nonsense++;
      if (numbered && this.#nonsense < mostNonsense) return;
      this.end(new VenueError("out of step", `${source} sent what cannot be read: ${reasonOf(error)}.`));
    }
  }

  #look(): void {
    const { source } = this.#protocol;
    const { silenceMs } = this.#connection;
    const now = performance.now();
    if (now - this.#echoAt > echoMs) {
      this.end(new VenueError("lost", `The connection to ${source} is dead: nothing comes back.`));
    } else if (now - this.#toldAt > silenceMs) {
      this.end(new VenueError("silent", `${source} has said nothing of ${this.symbol} for ${inSeconds(silenceMs)}.`));
    }
  }

  readonly #leave = (): void => {
    if (this.#close()) this.#finish.resolve();
  };

  #close(): boolean {
    if (this.signal.aborted) return false;
    this.#ended.abort();
    for (const timer of this.#timers) clearInterval(timer);
    this.#connection.signal.removeEventListener("abort", this.#leave);
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
  // Of several addresses tried in turn; its own message is empty.
  if (error instanceof AggregateError && error.errors.length > 0) return reasonOf(error.errors[0]);
  return error.message.replace(/\.$/, "");
}
