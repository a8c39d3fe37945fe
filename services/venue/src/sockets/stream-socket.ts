import type { WebSocket } from "ws";
import { z } from "zod";
import type { Venue } from "../context.js";
import { BinanceError, binanceErrorOf } from "../http/binance-error.js";
import { decoded } from "../http/target.js";
import type { PlayedEpoch } from "../player/played-epoch.js";
import type { Client, Player } from "../player/player.js";
import type { StreamHub, StreamSink } from "../streams/stream-hub.js";
import { checkListenKey, followAccount, isListenKey } from "../user-streams/user-stream.js";
import { send } from "./send.js";
import type { SocketRequest, SocketRoute } from "./socket-route.js";

const pattern = /^\/(?:(?:public|market|private)\/)?(ws|stream)(?:\/(.*))?$/;
/** As at Binance. */
const mostStreams = 1_024;
const messagesPerSecond = 10;

const id = z.union([z.number(), z.string(), z.null()]).optional();
const command = z.object({ method: z.string(), params: z.array(z.union([z.string(), z.boolean()])).optional(), id });
type Command = z.infer<typeof command>;

/**
 * Streams: `/ws`, `/ws/STREAM/STREAM` and `/stream?streams=STREAM/STREAM`. A listen key names a stream, too; below futures' `/private` it
 * is a parameter of its own.
 */
export const streamRoute: SocketRoute = {
  matches: (path) => pattern.test(path),
  async prepare(request, venue) {
    const [, form = "", inPath = ""] = pattern.exec(request.path) ?? [];
    const listed = form === "ws" ? decoded(inPath) : (request.query.get("streams") ?? "");
    // Some clients connect to a number, as Binance lets them, and subscribe afterwards (ccxt).
    const names = listed.split("/").filter((name) => /[@!]/.test(name) || isListenKey(name));
    const listenKey = request.query.get("listenKey") ?? undefined;
    if (listenKey !== undefined) names.push(listenKey);
    const player = await venue.players.get(request.session);
    const { epoch, streams } = await player.streams();
    for (const name of names) {
      if (isListenKey(name) || name === listenKey) await checkListenKey(name, request, venue);
      else if (!streams.has(name, request.market)) throw unknownStream(name, epoch);
    }
    if (!names.every(isListenKey)) await epoch.awaken();
    return (socket) => {
      const parts = {
        socket,
        request,
        venue,
        player,
        epoch,
        streams,
        combined: form === "stream",
      };
      new StreamSocket(parts).start(names);
    };
  },
};

interface StreamSocketParts {
  readonly socket: WebSocket;
  readonly request: SocketRequest;
  readonly venue: Venue;
  readonly player: Player;
  readonly epoch: PlayedEpoch;
  readonly streams: StreamHub;
  readonly combined: boolean;
}

/** A bot's socket with streams of the market, and of its account. It ends with the epoch, as if the venue had restarted. */
class StreamSocket implements StreamSink, Client {
  readonly #parts: StreamSocketParts;
  readonly #names = new Set<string>();
  /** What ends each user stream, by its listen key. */
  readonly #accounts = new Map<string, () => void>();
  #combined: boolean;
  /** Messages are answered in their order. */
  #answered = Promise.resolve();
  #second = 0;
  #messages = 0;

  constructor(parts: StreamSocketParts) {
    this.#parts = parts;
    this.#combined = parts.combined;
  }

  start(names: readonly string[]): void {
    const { socket, player, epoch } = this.#parts;
    if (!player.isPlaying(epoch)) {
      this.restart();
      return;
    }
    const leave = player.join(this);
    socket.on("close", () => {
      leave();
      this.#unsubscribe([...this.#names]);
    });
    socket.on("message", (data, isBinary) => this.#receive(isBinary ? "" : data.toString()));
    this.#subscribe(names);
  }

  // HOT: once per message of a stream.
  message(data: string, combined: () => string): void {
    const { socket, venue } = this.#parts;
    send(socket, this.#combined ? combined() : data, venue.config.SLOW_BYTES);
  }

  restart(): void {
    this.#parts.socket.close(1012, "the market begins anew");
  }

  #receive(text: string): void {
    const second = Math.floor(performance.now() / 1_000);
    if (second !== this.#second) this.#messages = 0;
    this.#second = second;
    if (++this.#messages > messagesPerSecond) {
      this.#parts.socket.close(1008, "Too many requests");
      return;
    }
    this.#answered = this.#answered.then(() => this.#answer(text));
  }

  async #answer(text: string): Promise<void> {
    const parsed = command.safeParse(parseJson(text));
    const answer = parsed.success ? await this.#carryOut(parsed.data) : invalidJson;
    this.#parts.socket.send(JSON.stringify({ ...answer, id: parsed.data?.id ?? null }));
  }

  /** @returns what the answer has beside the request's id */
  async #carryOut({ method, params = [] }: Command): Promise<object> {
    const names = params.filter((param) => typeof param === "string");
    switch (method) {
      case "SUBSCRIBE": {
        const refusal = await this.#refusalOf(names);
        if (refusal !== undefined) return invalidRequest(refusal);
        if (this.#names.size + names.length > mostStreams) {
          return invalidRequest(`Invalid request: a socket may have ${mostStreams} streams.`);
        }
        this.#subscribe(names);
        return { result: null };
      }
      case "UNSUBSCRIBE":
        this.#unsubscribe(names);
        return { result: null };
      case "LIST_SUBSCRIPTIONS":
        return { result: [...this.#names] };
      case "SET_PROPERTY":
        if (params[0] !== "combined" || typeof params[1] !== "boolean") break;
        this.#combined = params[1];
        return { result: null };
      case "GET_PROPERTY":
        if (params[0] !== "combined") break;
        return { result: this.#combined };
    }
    return invalidRequest(
      "Invalid request: the venue knows SUBSCRIBE, UNSUBSCRIBE, LIST_SUBSCRIPTIONS, and SET_PROPERTY and GET_PROPERTY of combined.",
    );
  }

  /** Why these names cannot be subscribed to, in a sentence. */
  async #refusalOf(names: readonly string[]): Promise<string | undefined> {
    const { epoch, streams, request, venue } = this.#parts;
    try {
      for (const name of names) {
        if (isListenKey(name)) await checkListenKey(name, request, venue);
        else if (!streams.has(name, request.market)) throw unknownStream(name, epoch);
      }
      if (!names.every(isListenKey)) await epoch.awaken();
      return undefined;
    } catch (thrown) {
      return binanceErrorOf(thrown).message;
    }
  }

  #subscribe(names: readonly string[]): void {
    const { socket, streams, request } = this.#parts;
    if (socket.readyState !== socket.OPEN) return; // it was closed while its message was checked
    for (const name of names) {
      const isKnown = this.#names.has(name);
      this.#names.add(name);
      if (!isListenKey(name)) streams.subscribe(name, request.market, this);
      else if (!isKnown) this.#follow(name);
    }
  }

  /** Begins the user stream of a listen key. */
  #follow(listenKey: string): void {
    const { socket, request, venue } = this.#parts;
    const take = (event: object) => {
      const data = JSON.stringify(event);
      this.message(data, () => `{"stream":"${listenKey}","data":${data}}`);
    };
    followAccount(request, venue, take).then(
      (end) => {
        // It may not be wanted any more, or be there already, after commands that came faster than this.
        if (this.#names.has(listenKey) && !this.#accounts.has(listenKey)) this.#accounts.set(listenKey, end);
        else end();
      },
      (error: unknown) => {
        venue.log.warn({ err: error, session: request.session }, "a user stream cannot begin; its socket is closed");
        socket.close(1011, "the account cannot be read");
      },
    );
  }

  #unsubscribe(names: readonly string[]): void {
    const { streams, request } = this.#parts;
    for (const name of names) {
      if (!this.#names.delete(name)) continue;
      if (!isListenKey(name)) streams.unsubscribe(name, request.market, this);
      this.#accounts.get(name)?.();
      this.#accounts.delete(name);
    }
  }
}

function unknownStream(name: string, { symbol }: PlayedEpoch): BinanceError {
  const known = symbol.symbol.toLowerCase();
  const message = `Invalid request: there is no stream ${JSON.stringify(name.slice(0, 100))}; the session's market is ${known}, such as ${known}@depth, and docs/venue.md lists its streams.`;
  return new BinanceError("BAD_SYMBOL", message);
}

const invalidJson = {
  error: {
    code: 3,
    msg: 'Invalid JSON: expected a value like {"method":"SUBSCRIBE","params":["btcusdt@depth"],"id":1}',
  },
};

function invalidRequest(msg: string): object {
  return { error: { code: 2, msg } };
}

/** Undefined for what is no JSON. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
