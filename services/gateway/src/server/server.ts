import { guardedHeaders, StartupError } from "@tapedeck/runtime";

/**
 * What the gateway needs of a WebSocket server. There are two: uWebSockets.js (`uws-server.ts`), and the library `ws`
 * (`ws-server.ts`) on machines where no native build loads.
 */
export interface SocketServer {
  readonly port: number;
  /** Takes no new connections. Open sockets stay, and open connections may still request an upgrade. */
  stopAccepting(): void;
  /** Stops, and frees what the server itself holds. Nothing may be upgraded afterwards. */
  close(): void;
}

/** An open socket. Calling any method after `closed` is an error. */
export interface Socket {
  /**
   * Sends one text message.
   *
   * @returns 1 sent, 0 buffered because the reader is slow, 2 dropped because more than `maxBackpressure` was buffered already
   */
  send(message: string | Uint8Array): number;
  /** Bytes buffered because the reader is slow. */
  getBufferedAmount(): number;
  /** Sends everything that `run` sends in one write. */
  cork(run: () => void): void;
  /** Sends a close message and closes; `closed` is called before this returns, or soon after. */
  end(code: number, reason: string): void;
  /** Closes without a close message. */
  close(): void;
}

/** The gateway's end of a socket. */
export interface SocketEvents {
  opened(socket: Socket): void;
  /** `data` is valid only during the call. */
  message(data: ArrayBuffer): void;
  /** Some of what was buffered has been sent. */
  drained(): void;
  closed(code: number): void;
}

export interface Request {
  readonly method: string;
  readonly path: string;
  /** Without the question mark. */
  readonly query: string;
  /** Of the connection itself, which may be a proxy's. */
  readonly remoteAddress: string;
  readonly header: (name: RequestHeader) => string | undefined;
}

/** The headers that the gateway reads; no other is kept. */
export const requestHeaders = [
  ...guardedHeaders,
  "authorization",
  "user-agent",
  "cookie",
  "accept",
  "x-forwarded-for",
  "x-request-id",
  "sec-websocket-protocol",
] as const;
export type RequestHeader = (typeof requestHeaders)[number];

export interface HttpResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A request for a WebSocket. It is answered once, now or later; if the client has left by then, the answer does nothing. */
export interface Upgrade extends Request {
  readonly gone: boolean;
  accept(events: SocketEvents, options: { protocol?: string; headers?: Readonly<Record<string, string>> }): void;
  refuse(response: HttpResponse): void;
}

export interface ServerOptions {
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
  /** Bytes of the largest message that is read at all; a larger one ends the connection without a close message. */
  readonly maxMessageBytes: number;
  /** Buffered bytes above which `send` drops. The gateway never sends that much: it is the last line of defence. */
  readonly maxBackpressure: number;
  /** Seconds without any message or pong after which a socket is closed. Pings go out before that. */
  readonly idleTimeoutS: number;
  readonly request: (request: Request) => HttpResponse | Promise<HttpResponse>;
  readonly upgrade: (upgrade: Upgrade) => void;
}

/** The server cannot listen on its host and port. */
export class ListenError extends StartupError {
  override readonly name = "ListenError";

  constructor({ host, port }: Pick<ServerOptions, "host" | "port">, why = "the port is taken or not allowed") {
    super(`gateway cannot listen on ${host}:${port}: ${why}`);
  }
}

export type StartServer = (options: ServerOptions) => Promise<SocketServer>;
