import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { clientAddress, guardedRequest, interval } from "@tapedeck/runtime";
import { type WebSocket, WebSocketServer } from "ws";
import type { Venue } from "../context.js";
import { auditRefusal, requestIdOf } from "../http/audit-refusal.js";
import { BinanceError, binanceErrorOf, refusedByGuard } from "../http/binance-error.js";
import { refuseSocket } from "../http/listen.js";
import { targetOf } from "../http/target.js";
import type { SocketRequest, SocketRoute } from "./socket-route.js";

/** Longer than any request of the WebSocket API. */
const maxPayload = 65_536;
/** A client that says nothing for so many pings is gone. */
const unansweredPings = 3;

/** The open sockets of this node, whatever their kind. */
export class SocketServer {
  readonly #venue: Venue;
  readonly #routes: readonly SocketRoute[];
  readonly #server = new WebSocketServer({ noServer: true, maxPayload, perMessageDeflate: false });
  readonly #open = new Map<WebSocket, string>();
  /** When each socket last said anything, on the monotonic clock. */
  readonly #heardAt = new WeakMap<WebSocket, number>();
  readonly #stopPinging: () => void;
  #accepting = true;

  constructor(venue: Venue, routes: readonly SocketRoute[]) {
    this.#venue = venue;
    this.#routes = routes;
    this.#stopPinging = interval(() => this.#ping(), venue.config.PING_MS);
  }

  get size(): number {
    return this.#open.size;
  }

  handleUpgrade(request: IncomingMessage, socket: Socket, head: Buffer): void {
    socket.on("error", () => socket.destroy()); // the client has disconnected
    this.#admit(request).then(
      (open) => {
        if (socket.destroyed) return;
        this.#server.handleUpgrade(request, socket, head, (accepted) => open(accepted));
      },
      (thrown) => {
        const error = binanceErrorOf(thrown);
        if (error.status === 500)
          this.#venue.log.error(
            { err: thrown, path: request.url },
            "socket failed with an unexpected error; answered 500",
          );
        refuseSocket(socket, error);
      },
    );
  }

  async #admit(message: IncomingMessage): Promise<(socket: WebSocket) => void> {
    const { guard } = this.#venue;
    if (!this.#accepting)
      throw new BinanceError("DISCONNECTED", "This node is shutting down; connect again.", {
        status: 503,
        retryAfter: 1,
      });
    const refusal = guard.refusal(guardedRequest(message));
    const asked = { action: "watch", address: this.#addressOf(message), requestId: requestIdOf(message.headers) };
    if (refusal !== undefined) throw this.#denied(asked, refusedByGuard(refusal));
    const { pathname, searchParams: query } = addressOf(message);
    const target = targetOf(pathname);
    const route = target && this.#routes.find(({ matches }) => matches(target.path));
    if (target === undefined || route === undefined) {
      throw new BinanceError(
        "INVALID_PATH",
        `There is no WebSocket at ${pathname}; docs/venue.md lists what the venue has.`,
        { status: 404 },
      );
    }
    const { session } = target;
    const denied = (error: unknown) => Promise.reject(this.#denied({ ...asked, session }, error));
    const request: SocketRequest = { ...target, query, headers: message.headers, address: asked.address };
    await this.#venue.admit(request).catch(denied);
    if (this.#countOf(target.session) >= this.#venue.config.MAX_SOCKETS_PER_SESSION) {
      throw new BinanceError("TOO_MANY_REQUESTS", "This session has too many sockets on this node; close one.", {
        status: 429,
        retryAfter: 1,
      });
    }
    const start = await route.prepare(request, this.#venue).catch(denied);
    return (socket) => {
      this.#open.set(socket, target.session);
      const heard = () => void this.#heardAt.set(socket, performance.now());
      heard();
      for (const event of ["message", "pong", "ping"]) socket.on(event, heard);
      socket.on("close", () => this.#open.delete(socket));
      socket.on("error", () => socket.terminate()); // an invalid frame, or too long a one
      start(socket);
    };
  }

  #addressOf({ headers, socket }: IncomingMessage): string {
    const forwarded = headers["x-forwarded-for"];
    const first = Array.isArray(forwarded) ? forwarded[0] : forwarded;
    return clientAddress(socket.remoteAddress ?? "", first, this.#venue.trustedProxies);
  }

  #denied(refused: Parameters<typeof auditRefusal>[1], error: unknown): unknown {
    auditRefusal(this.#venue.access, refused, error);
    return error;
  }

  /** A paused market says nothing for hours: pings keep balancers from closing a socket, and find clients that are gone. */
  #ping(): void {
    const silentSince = performance.now() - unansweredPings * this.#venue.config.PING_MS;
    for (const socket of this.#open.keys()) {
      if ((this.#heardAt.get(socket) ?? 0) < silentSince) socket.terminate();
      else socket.ping();
    }
  }

  #countOf(session: string): number {
    let count = 0;
    for (const id of this.#open.values()) if (id === session) count++;
    return count;
  }

  stopAccepting(): void {
    this.#accepting = false;
  }

  /** Closes all sockets with 1012, a hundred a second or all within `atMostMs`: clients connect again, to another node. */
  async drain(atMostMs: number): Promise<void> {
    this.stopAccepting();
    const sockets = [...this.#open.keys()];
    const apartMs = Math.min(10, atMostMs / Math.max(1, sockets.length));
    for (const socket of sockets) {
      socket.close(1012, "restarting");
      await sleep(apartMs);
    }
  }

  close(): void {
    this.#stopPinging();
    for (const socket of this.#open.keys()) socket.terminate();
    this.#server.close();
  }
}

/** Where a request goes; to `/`, where there is no socket, if its address is not valid. */
function addressOf({ url = "/" }: IncomingMessage): URL {
  const base = "http://venue";
  return new URL(URL.canParse(url, base) ? url : "/", base);
}
