import type { Server, ServerOptions } from "node:http";
import type { Socket } from "node:net";

/** How long a client may take, in ms. */
export interface HttpTimeouts {
  /** For the head of a request, and for a whole request. */
  readonly headMs: number;
  readonly requestMs: number;
  /** Without a byte in either direction while a request or an answer is under way: one who does not read its answer. */
  readonly silenceMs: number;
}

export const httpTimeouts: HttpTimeouts = { headMs: 10_000, requestMs: 20_000, silenceMs: 20_000 };

/** Options for `createServer` by which no client holds a connection that it does not use; `keepToLimits` does the rest. */
export function timeoutOptions({ headMs, requestMs }: HttpTimeouts): ServerOptions {
  return {
    headersTimeout: headMs,
    requestTimeout: requestMs,
    connectionsCheckingInterval: Math.min(2_000, headMs / 2),
  };
}

/**
 * Ends connections that are silent for too long. Sockets of a server that upgrades are without a limit from their upgrade on, as
 * `ws` and proxies see to.
 *
 * Node looks at a socket twice before it calls one silent whose answer is not read: so the timer has half the time, and what only waits
 * for its answer is looked at twice, too.
 */
export function enforceTimeouts(server: Server, { silenceMs }: HttpTimeouts): void {
  const movedBefore = new WeakMap<Socket, number>();
  server.timeout = silenceMs / 2;
  server.on("timeout", (socket: Socket) => {
    const moved = socket.bytesRead + socket.bytesWritten;
    if (socket.writableLength > 0 || movedBefore.get(socket) === moved) {
      socket.destroy();
      return;
    }
    movedBefore.set(socket, moved);
    socket.setTimeout(silenceMs / 2);
  });
}

/** How long an answer to a refused request may be on its way. */
const lingerMs = 2_000;

/**
 * Writes the last answer of a connection and closes it for good. `end` alone closes one half: a client that keeps its own half open
 * would hold the descriptor. What the client still sends is read and dropped, since closing on unread bytes resets the
 * connection and may take the answer along.
 */
export function respondAndClose(socket: Socket, answer: string): void {
  socket.end(answer);
  lingeringClose(socket);
}

/** Closes for good a connection whose own half has ended: what still comes is read and dropped for a moment. */
export function lingeringClose(socket: Socket): void {
  socket.resume();
  const closing = setTimeout(() => socket.destroy(), lingerMs);
  socket.once("close", () => clearTimeout(closing));
}
