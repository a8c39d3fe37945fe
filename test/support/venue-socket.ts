import { once } from "node:events";
import { WebSocket } from "ws";
import { z } from "zod";
import { soon } from "./soon.js";

const message = z.looseObject({});
export type VenueMessage = z.infer<typeof message>;

/** A bot's WebSocket: what it got, in its order. */
export class VenueSocket {
  readonly messages: VenueMessage[] = [];
  closed: number | undefined;
  readonly #socket: WebSocket;
  #id = 0;

  private constructor(socket: WebSocket, heard: (each: VenueMessage) => void) {
    this.#socket = socket;
    socket.on("message", (data) => {
      const each = message.parse(JSON.parse(data.toString()));
      this.messages.push(each);
      heard(each);
    });
    socket.on("close", (code) => {
      this.closed = code;
    });
  }

  /** @param url of http or ws. @param heard is called with each message when it comes */
  static async open(url: string, heard: (each: VenueMessage) => void = () => {}): Promise<VenueSocket> {
    const socket = new WebSocket(url.replace(/^http/, "ws"));
    const opened = new VenueSocket(socket, heard);
    await once(socket, "open");
    return opened;
  }

  /** Sends a request of the WebSocket API and resolves to its answer. */
  async ask(method: string, params: object = {}): Promise<VenueMessage> {
    const id = ++this.#id;
    this.#socket.send(JSON.stringify({ id, method, params }));
    return this.until((each) => each.id === id, `an answer to ${method}`);
  }

  /** Sends a command of market streams, such as SUBSCRIBE, and resolves to its answer. */
  async command(method: string, params: readonly string[] = []): Promise<VenueMessage> {
    const id = ++this.#id;
    this.#socket.send(JSON.stringify({ id, method, params }));
    return this.until((each) => each.id === id, `an answer to ${method}`);
  }

  /** The first message that is as wanted, once it is there. */
  async until(isWanted: (each: VenueMessage) => boolean, what: string): Promise<VenueMessage> {
    const deadline = Date.now() + soon.timeout;
    for (;;) {
      const found = this.messages.find(isWanted);
      if (found !== undefined) return found;
      if (this.closed !== undefined) throw new Error(`no ${what}: the socket closed with ${this.closed}`);
      const left = deadline - Date.now();
      if (left <= 0) throw new Error(`no ${what}, but ${JSON.stringify(this.messages.slice(-5))}`);
      const signal = AbortSignal.timeout(Math.min(left, soon.interval));
      await once(this.#socket, "message", { signal }).catch(() => {}); // looks again
    }
  }

  async untilClosed(): Promise<number> {
    if (this.closed === undefined) await once(this.#socket, "close", { signal: AbortSignal.timeout(soon.timeout) });
    return this.closed ?? 0;
  }

  close(): void {
    this.#socket.close();
  }
}
