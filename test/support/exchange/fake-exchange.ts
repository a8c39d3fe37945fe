import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";

/** A connected client, with its subscriptions. */
export interface Client {
  readonly path: string;
  readonly query: URLSearchParams;
  send(message: unknown): void;
  sendText(text: string): void;
  /** Subscribed streams, by the names of the protocol. */
  readonly streams: Set<string>;
}

/**
 * An exchange on this machine with real sockets: HTTP and WebSocket on one port of 127.0.0.1. Subclasses implement the protocol;
 * this class implements the faults.
 */
export abstract class FakeExchange {
  /** Connections opened so far. */
  connections = 0;
  /** Messages received from clients. */
  readonly received: string[] = [];
  readonly clients = new Set<Client>();
  readonly #server: Server;
  readonly #sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false });
  readonly #open = new Map<Client, WebSocket>();
  readonly #pipes = new Set<Duplex>();
  #port = 0;
  #silent = false;
  #refusing: number | undefined;
  #muted: string | undefined;

  constructor() {
    this.#server = createServer((request, response) => this.#answer(request, response));
    this.#server.on("upgrade", (request, socket, head) => this.#upgrade(request, socket, head));
    this.#server.on("connection", (socket) => {
      this.#pipes.add(socket);
      socket.on("close", () => this.#pipes.delete(socket));
    });
  }

  /** `ws://127.0.0.1:PORT`, the same after an absence. */
  get url(): string {
    return `ws://127.0.0.1:${this.#port}`;
  }

  get restUrl(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  async open(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(this.#port, "127.0.0.1", resolve);
    });
    const address = this.#server.address();
    if (address !== null && typeof address === "object") this.#port = address.port;
  }

  /** Becomes unreachable, until `open`. */
  async away(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const pipe of this.#pipes) pipe.destroy();
    await closed;
  }

  async close(): Promise<void> {
    await this.away();
    this.#sockets.close();
  }

  // --- faults ---

  /** Breaks all connections, like a lost network. */
  drop(): void {
    for (const socket of this.#open.values()) socket.terminate();
  }

  /** Sends nothing on any connection; the sockets stay open and answer pings. */
  silence(silent: boolean): void {
    this.#silent = silent;
  }

  /** Sends nothing on streams whose names contain this; undefined: sends on all again. */
  mute(streams: string | undefined): void {
    this.#muted = streams;
  }

  /** Refuses each new connection and request with this status; undefined: accepts again. */
  refuse(status: number | undefined): void {
    this.#refusing = status;
  }

  /** Sends a text verbatim to all clients. */
  sendUnreadable(text: string): void {
    for (const client of this.clients) client.sendText(text);
  }

  // --- for subclasses ---

  protected abstract onConnect(client: Client): void;
  protected abstract onMessage(client: Client, message: string): void;
  /** Answer to a GET: status and body. */
  protected abstract get(path: string, query: URLSearchParams): { status: number; body: unknown };

  /** To all who have subscribed to a stream. */
  protected broadcast(stream: string, message: unknown): void {
    if (this.#muted !== undefined && stream.includes(this.#muted)) return;
    const text = JSON.stringify(message);
    for (const client of this.clients) if (client.streams.has(stream)) client.sendText(text);
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    if (this.#refusing !== undefined) {
      response.writeHead(this.#refusing).end("go away");
      return;
    }
    const { pathname, searchParams } = new URL(request.url ?? "/", this.restUrl);
    const { status, body } = this.get(pathname, searchParams);
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  }

  #upgrade(request: IncomingMessage, pipe: Duplex, head: Buffer): void {
    if (this.#refusing !== undefined) {
      pipe.end(`HTTP/1.1 ${this.#refusing} Refused\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
      return;
    }
    this.#sockets.handleUpgrade(request, pipe, head, (socket) => {
      const { pathname, searchParams } = new URL(request.url ?? "/", this.restUrl);
      const sendText = (text: string): void => {
        if (!this.#silent) socket.send(text);
      };
      const client: Client = {
        path: pathname,
        query: searchParams,
        send: (message) => sendText(JSON.stringify(message)),
        sendText,
        streams: new Set(),
      };
      this.connections++;
      this.#open.set(client, socket);
      this.clients.add(client);
      socket.on("close", () => {
        this.#open.delete(client);
        this.clients.delete(client);
      });
      socket.on("error", () => {}); // some tests break connections
      socket.on("message", (data) => {
        const text = String(data);
        this.received.push(text);
        this.onMessage(client, text);
      });
      this.onConnect(client);
    });
  }
}
