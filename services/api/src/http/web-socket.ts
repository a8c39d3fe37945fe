import { type IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { RefusedError, refuse } from "@tapedeck/protocol";
import type { Context } from "koa";
import { type WebSocket, WebSocketServer } from "ws";
import { refusalOf } from "./error-responses.js";

/** The texts of an answer, each a message, made when they are taken. */
export type Texts = AsyncGenerator<string, void, undefined>;

/** An answer by WebSocket: messages until they end, or until the client leaves. What the client sends is not read. */
export class SocketResponse {
  readonly texts: Texts;
  /** The reason with which the socket is closed after the last message. */
  readonly finished: string;

  constructor(texts: Texts, finished: string) {
    this.texts = texts;
    this.finished = finished;
  }
}

/** Clients have nothing to say. */
const maxPayload = 4_096;
const pingMs = 30_000;
/** A client that has messages to read yet, and does so slowly, answers a ping only after them. */
const silentMs = 300_000;
/** How long a client may take to answer a close frame when the node shuts down. */
const closeMs = 2_000;
/** Bytes that may wait for a client to read on. */
const mostWaiting = 256 * 1024;
/** A close frame has room for no more. */
const mostReasonBytes = 123;

/** A request for a WebSocket whose connection no one has answered on. */
interface Offer {
  readonly socket: Socket;
  readonly head: Buffer;
}

/**
 * The WebSockets of a node. A request for one goes through the app as any other does: its refusals are HTTP answers, and its route answers with a
 * `SocketResponse`.
 */
export class WebSockets {
  readonly #server = new WebSocketServer({ noServer: true, maxPayload, perMessageDeflate: false });
  readonly #offers = new WeakMap<IncomingMessage, Offer>();
  #closing = false;

  /** Has the app answer a request with an `Upgrade` to WebSocket. An answer by HTTP is the connection's last. */
  handle(
    serve: (request: IncomingMessage, response: ServerResponse) => unknown,
    request: IncomingMessage,
    offer: Offer,
  ): void {
    this.#offers.set(request, offer);
    offer.socket.on("error", () => offer.socket.destroy()); // the client has gone
    const response = new ServerResponse(request);
    response.shouldKeepAlive = false;
    response.assignSocket(offer.socket);
    response.once("finish", () => offer.socket.destroySoon());
    serve(request, response);
  }

  /**
   * Answers a request by WebSocket. Throws MALFORMED if it did not ask for one; from then on what fails is the reason with which the socket is closed.
   */
  accept(ctx: Context, answer: SocketResponse): void {
    const offer = this.#offers.get(ctx.req);
    if (offer === undefined) {
      throw new RefusedError(refuse("MALFORMED", "This is a WebSocket: request it with an Upgrade header."));
    }
    ctx.respond = false;
    ctx.status = 101; // for the metrics; nothing is written
    ctx.res.detachSocket(offer.socket);
    this.#server.handleUpgrade(ctx.req, offer.socket, offer.head, (socket) => void this.#send(socket, answer));
  }

  /** Closes all sockets with 1012, and those that are accepted from now on. */
  close(): void {
    this.#closing = true;
    for (const socket of this.#server.clients) socket.close(1012, "restarting");
    const end = () => {
      for (const socket of this.#server.clients) socket.terminate();
    };
    setTimeout(end, closeMs).unref(); // clients that do not answer
  }

  async #send(socket: WebSocket, { texts, finished }: SocketResponse): Promise<void> {
    const client = new Liveness(socket);
    socket.on("error", () => {}); // a close follows
    socket.once("close", () => {
      client.stop();
      void texts.return().catch(() => undefined); // no one is left to hear of a failure
    });
    if (this.#closing) return socket.close(1012, "restarting");
    try {
      for await (const text of texts) {
        if (socket.readyState !== socket.OPEN) return;
        if (socket.bufferedAmount < mostWaiting) socket.send(text, client.seen);
        else await new Promise<void>((resolve) => socket.send(text, () => resolve(client.seen())));
      }
      await client.caughtUp(); // what is on its way when a connection ends can be lost
      socket.close(1000, finished);
    } catch (thrown) {
      const { status, message } = refusalOf(thrown);
      const code = status === 429 || status === 503 ? 1013 : status >= 500 ? 1011 : 1008;
      socket.close(code, shortened(message));
    }
  }
}

/** Ends a connection whose client neither takes messages nor answers pings. */
class Liveness {
  readonly stop: () => void;
  readonly #socket: WebSocket;
  #seenAt = performance.now();

  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on("pong", this.seen);
    const pinging = setInterval(() => {
      if (performance.now() - this.#seenAt > silentMs) socket.terminate();
      else socket.ping();
    }, pingMs);
    this.stop = () => clearInterval(pinging);
  }

  readonly seen = (): void => {
    this.#seenAt = performance.now();
  };

  /** Resolves when the client has read all that was sent, or has gone. */
  caughtUp(): Promise<void> {
    const end = "caught up";
    return new Promise((resolve) => {
      this.#socket.on("pong", (data) => data.toString() === end && resolve());
      this.#socket.once("close", () => resolve());
      this.#socket.ping(end);
    });
  }
}

/** As much of a text as fits into a close frame. */
function shortened(reason: string): string {
  const bytes = Buffer.from(reason);
  if (bytes.length <= mostReasonBytes) return reason;
  return `${bytes.subarray(0, mostReasonBytes - 6).toString()}...`.replace("\u{fffd}", "");
}
