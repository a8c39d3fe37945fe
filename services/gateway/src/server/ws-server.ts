import { Buffer } from "node:buffer";
import { type IncomingMessage, STATUS_CODES } from "node:http";
import { Socket as TcpSocket } from "node:net";
import type { Duplex } from "node:stream";
import { createHttpServer, httpTimeouts, respondAndClose } from "@tapedeck/runtime";
import { WebSocket, WebSocketServer } from "ws";
import {
  type HttpResponse,
  ListenError,
  type Request,
  type ServerOptions,
  type Socket,
  type SocketEvents,
  type StartServer,
  type Upgrade,
} from "./server.js";

/** Serves by the library `ws`: the same behaviour as uWebSockets.js, at several times the CPU. Rejects with `ListenError`. */
export const startWsServer: StartServer = (options) => {
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: options.maxMessageBytes,
    perMessageDeflate: false,
    handleProtocols: () => false, // `accept` writes the header itself
  });
  const unanswered = new WeakSet<TcpSocket>();
  const server = createHttpServer(httpTimeouts, async (message, response) => {
    const { socket } = message;
    if (unanswered.has(socket)) {
      socket.destroy(); // a pipelined request
      return;
    }
    unanswered.add(socket);
    const { status, headers, body } = await options.request(requestOf(message));
    // In the event loop's next turn: until then, further requests of the same read show that the client pipelines.
    setImmediate(() => {
      unanswered.delete(socket);
      response.writeHead(status, headers).end(body);
    });
  });
  server.on("clientError", (_error, stream) => {
    if (stream instanceof TcpSocket) respondAndClose(stream, "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
    else stream.destroy();
  });
  server.on("upgrade", (message, stream, head) => {
    stream.on("error", () => stream.destroy());
    options.upgrade(new WsUpgrade(message, stream, head, sockets, options));
  });
  return new Promise((resolve, reject) => {
    server.once("error", (error) => reject(new ListenError(options, error.message)));
    server.listen(options.port, options.host, () => {
      const address = server.address();
      const stopAccepting = () => void server.close();
      const port = typeof address === "object" && address ? address.port : options.port;
      resolve({ port, stopAccepting, close: stopAccepting });
    });
  });
};

function requestOf(message: IncomingMessage): Request {
  const [path = "/", ...query] = (message.url ?? "/").split("?");
  return {
    method: message.method ?? "GET",
    path,
    query: query.join("?"),
    remoteAddress: message.socket.remoteAddress ?? "",
    header: (name) => {
      const value = message.headers[name];
      return Array.isArray(value) ? value.join(", ") : value;
    },
  };
}

class WsUpgrade implements Upgrade {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly remoteAddress: string;
  readonly header: Request["header"];
  readonly #message: IncomingMessage;
  readonly #stream: Duplex;
  readonly #head: Buffer;
  readonly #sockets: WebSocketServer;
  readonly #options: ServerOptions;
  #answered = false;

  constructor(
    message: IncomingMessage,
    stream: Duplex,
    head: Buffer,
    sockets: WebSocketServer,
    options: ServerOptions,
  ) {
    const request = requestOf(message);
    this.method = request.method;
    this.path = request.path;
    this.query = request.query;
    this.remoteAddress = request.remoteAddress;
    this.header = request.header;
    this.#message = message;
    this.#stream = stream;
    this.#head = head;
    this.#sockets = sockets;
    this.#options = options;
  }

  get gone(): boolean {
    return this.#answered || this.#stream.destroyed;
  }

  accept(events: SocketEvents, { protocol, headers = {} }: Parameters<Upgrade["accept"]>[1]): void {
    if (this.gone) return;
    this.#answered = true;
    const addHeaders = (lines: string[]) => {
      if (protocol !== undefined) lines.push(`Sec-WebSocket-Protocol: ${protocol}`);
      for (const [name, value] of Object.entries(headers)) lines.push(`${name}: ${value}`);
    };
    this.#sockets.once("headers", addHeaders);
    let opened = false;
    this.#sockets.handleUpgrade(this.#message, this.#stream, this.#head, (socket) => {
      opened = true;
      connect(socket, events, this.#options);
    });
    // `ws` refuses a malformed handshake and writes no headers; the listener must not add these to the next client's.
    this.#sockets.off("headers", addHeaders);
    if (!opened) events.closed(1006);
  }

  refuse({ status, headers, body }: HttpResponse): void {
    if (this.gone) return;
    this.#answered = true;
    const lines = Object.entries({ ...headers, "Content-Length": Buffer.byteLength(body), Connection: "close" });
    const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join("");
    const response = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${head}\r\n${body}`;
    if (this.#stream instanceof TcpSocket) respondAndClose(this.#stream, response);
    else this.#stream.end(response);
  }
}

function connect(socket: WebSocket, events: SocketEvents, options: ServerOptions): void {
  let alive = true;
  // A ping after half of the idle timeout without a message, the end after the other half.
  const pinging = setInterval(
    () => {
      if (!alive) socket.terminate();
      alive = false;
      socket.ping();
    },
    (options.idleTimeoutS * 1000) / 2,
  );
  socket.on("message", (data) => {
    alive = true;
    events.message(bytesOf(data));
  });
  socket.on("pong", () => {
    alive = true;
  });
  socket.on("error", () => {}); // a close follows
  socket.once("close", (code) => {
    clearInterval(pinging);
    events.closed(code);
  });
  events.opened(new WsSocket(socket, events, options));
}

class WsSocket implements Socket {
  readonly #socket: WebSocket;
  readonly #events: SocketEvents;
  readonly #maxBackpressure: number;

  constructor(socket: WebSocket, events: SocketEvents, { maxBackpressure }: ServerOptions) {
    this.#socket = socket;
    this.#events = events;
    this.#maxBackpressure = maxBackpressure;
  }

  send(message: string | Uint8Array): number {
    if (this.#socket.bufferedAmount > this.#maxBackpressure) return 2;
    this.#socket.send(message, { binary: false }, () => {
      if (this.#socket.readyState === WebSocket.OPEN) this.#events.drained();
    });
    return this.#socket.bufferedAmount === 0 ? 1 : 0;
  }

  getBufferedAmount(): number {
    return this.#socket.bufferedAmount;
  }

  cork(run: () => void): void {
    run();
  }

  end(code: number, reason: string): void {
    this.#socket.close(code, reason);
  }

  close(): void {
    this.#socket.terminate();
  }
}

function bytesOf(data: Buffer | ArrayBuffer | Buffer[]): ArrayBuffer {
  if (data instanceof ArrayBuffer) return data;
  const bytes = Array.isArray(data) ? Buffer.concat(data) : data;
  return Uint8Array.from(bytes).buffer;
}
