import { setTimeout as sleep } from "node:timers/promises";
import WebSocket from "ws";
import { z } from "zod";
import { signatureOf } from "../../../services/venue/src/testing/signing-client.js";

/** What a bot holds. */
export interface BotKeyPair {
  readonly apiKey: string;
  readonly secret: string;
}

export interface UserStreamOptions {
  readonly key: BotKeyPair;
  /** Address of the session's venue on some node, of http; the next one at each call. */
  readonly address: () => string;
  /** Gets a listen key for markets that have streams by listen key; undefined for those with the WebSocket API. */
  readonly listenKey: (() => Promise<string>) | undefined;
  /** A connection has been made, and tells events from now on. */
  readonly opened: () => void;
  readonly received: (event: Readonly<Record<string, unknown>>) => void;
  readonly closed: () => void;
}

const openMs = 5_000;
const pingEveryMs = 2_000;
const backoffMs = { least: 100, most: 500 } as const;
const message = z.looseObject({});

/** A bot's user stream as clients of Binance keep one: connected again whenever it closes, or answers no ping. */
export class UserStream {
  readonly #options: UserStreamOptions;
  #socket: WebSocket | undefined;
  #ended = false;

  constructor(options: UserStreamOptions) {
    this.#options = options;
    void this.#keepOpen();
  }

  /** As a lost network does. */
  cut(): void {
    this.#socket?.terminate();
  }

  /** Reads nothing for some milliseconds, as a program that is busy. */
  async stall(ms: number): Promise<void> {
    const socket = this.#socket;
    socket?.pause();
    await sleep(ms);
    socket?.resume();
  }

  close(): void {
    this.#ended = true;
    this.#socket?.terminate();
  }

  async #keepOpen(): Promise<void> {
    while (!this.#ended) {
      await this.#connection().catch(() => {}); // a fault is under way
      await sleep(backoffMs.least + Math.random() * (backoffMs.most - backoffMs.least));
    }
  }

  /** Resolves when it is over. */
  async #connection(): Promise<void> {
    const { address, listenKey, key, opened, received, closed } = this.#options;
    const path = listenKey === undefined ? "/ws-api/v3" : `/ws/${await listenKey()}`;
    const socket = new WebSocket(`${address().replace(/^http/, "ws")}${path}`, { handshakeTimeout: openMs });
    this.#socket = socket;
    let heard = performance.now();
    let open = false;
    const begin = () => {
      open = true;
      opened();
    };
    const pings = setInterval(() => {
      if (performance.now() - heard > 2.5 * pingEveryMs && !socket.isPaused) socket.terminate();
      else if (socket.readyState === WebSocket.OPEN) socket.ping();
    }, pingEveryMs);
    socket.on("pong", () => {
      heard = performance.now();
    });
    socket.on("open", () => {
      if (listenKey !== undefined) begin();
      else socket.send(JSON.stringify({ id: 1, method: "userDataStream.subscribe.signature", params: signed(key) }));
    });
    socket.on("message", (data) => {
      heard = performance.now();
      const read = message.parse(JSON.parse(data.toString()));
      if (read.id === 1) {
        if (read.status === 200) begin();
        else socket.terminate();
      } else received(listenKey === undefined ? message.parse(read.event) : read);
    });
    socket.on("error", () => {}); // a close follows
    await new Promise<void>((resolve) => socket.on("close", () => resolve()));
    clearInterval(pings);
    if (open) closed();
  }
}

function signed({ apiKey, secret }: BotKeyPair) {
  const timestamp = Date.now();
  return { apiKey, timestamp, signature: signatureOf(secret, `apiKey=${apiKey}&timestamp=${timestamp}`) };
}
