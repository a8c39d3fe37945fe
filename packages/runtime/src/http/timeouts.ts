import { createServer, type RequestListener, type Server, type ServerOptions } from "node:http";
import type { Socket } from "node:net";

/** How long a client may take, in ms. */
export interface HttpTimeouts {
  /** To send the head of a request, and the whole request. */
  readonly headMs: number;
  readonly requestMs: number;
  /** Without a byte in either direction, such as a client that does not read its response. Time that a response takes to begin does not count. */
  readonly idleMs: number;
}

export const httpTimeouts: HttpTimeouts = { headMs: 10_000, requestMs: 20_000, idleMs: 20_000 };

/**
 * An HTTP server on which no client holds a connection that it does not use. After an upgrade a socket has no timeout; `ws` and proxies
 * have their own.
 *
 * Node reports a socket whose response is not read only at the second timeout in a row, so the timer has half the time. A connection that waits
 * for its response stays open however long that takes: it is not the client that is slow.
 */
export function createHttpServer(
  timeouts: HttpTimeouts,
  listener: RequestListener,
  options: ServerOptions = {},
): Server {
  const { headMs, requestMs, idleMs } = timeouts;
  const connectionsCheckingInterval = Math.min(2_000, headMs / 2);
  const server = createServer(
    { ...options, headersTimeout: headMs, requestTimeout: requestMs, connectionsCheckingInterval },
    listener,
  );
  const bytesBefore = new WeakMap<Socket, number>();
  /** Responses that are not complete, by connection. */
  const awaited = new WeakMap<Socket, number>();
  server.on("request", ({ socket }, response) => {
    awaited.set(socket, (awaited.get(socket) ?? 0) + 1);
    response.once("close", () => awaited.set(socket, (awaited.get(socket) ?? 1) - 1));
  });
  server.timeout = idleMs / 2;
  server.on("timeout", (socket: Socket) => {
    const bytes = socket.bytesRead + socket.bytesWritten;
    const waits = (awaited.get(socket) ?? 0) > 0;
    if (socket.writableLength > 0 || (!waits && bytesBefore.get(socket) === bytes)) {
      socket.destroy();
      return;
    }
    bytesBefore.set(socket, bytes);
    socket.setTimeout(idleMs / 2);
  });
  return server;
}

/** How long the response to a refused request may take to arrive. */
const lingerMs = 2_000;

/** Sockets whose last response is on its way, while what they still send is discarded. */
const lingering = new WeakSet<Socket>();

/**
 * Writes the last response of a connection and closes it fully; closes one at once that no response can be written to. `end` alone closes one
 * half: a client that keeps its own half open would hold the descriptor. What the client still sends is read and discarded, because closing
 * with unread bytes resets the connection and may discard the response: so does a second call, which Node makes for each further piece of what
 * is no request.
 */
export function respondAndClose(socket: Socket, response: string): void {
  if (lingering.has(socket)) return;
  if (!socket.writable) return void socket.destroy();
  socket.end(response);
  lingeringClose(socket);
}

/** Fully closes a connection whose own half has ended, after reading and discarding what still arrives for a moment. */
export function lingeringClose(socket: Socket): void {
  lingering.add(socket);
  socket.resume();
  const closing = setTimeout(() => socket.destroy(), lingerMs);
  socket.once("close", () => clearTimeout(closing));
}
