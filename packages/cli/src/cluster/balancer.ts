import { type IncomingMessage, type Server, ServerResponse } from "node:http";
import { Socket } from "node:net";
import {
  createHttpServer,
  guardedRequest,
  type HttpTimeouts,
  httpTimeouts,
  ignoreUpgrade,
  lingeringClose,
  type RequestGuard,
  respondAndClose,
  securityHeaders,
} from "@tapedeck/runtime";
import { createProxyServer } from "http-proxy-3";
import type { Backend, CheckTimes } from "./backend.js";
import { BackendPool } from "./backend-pool.js";

interface Backends {
  /** For HTTP requests. */
  readonly apis: readonly string[];
  /** For WebSocket connections, but for those of the apis below `/tardis`. */
  readonly gateways: readonly string[];
  /** For both below `/venue/`. */
  readonly venues?: readonly string[];
}

interface BalancerOptions {
  /** How long clients may take; tests use shorter times. */
  readonly limits?: HttpTimeouts;
  readonly checks?: CheckTimes;
  /** Gets a sentence when a service stops answering, and when it answers again. */
  readonly tell?: (sentence: string) => void;
}

/**
 * The local cluster's load balancer: each request and each socket goes to the next service of its kind that answers, whatever the client.
 * There is no stickiness, so what works behind this balancer works behind any other.
 */
export class Balancer {
  readonly server: Server;
  readonly #guard: Pick<RequestGuard, "hostRefusal">;
  readonly #apis: BackendPool;
  readonly #gateways: BackendPool;
  readonly #venues: BackendPool;
  /** The service that each request went to. */
  readonly #backends = new WeakMap<IncomingMessage, Backend>();
  // It writes X-Forwarded-* and discards what clients wrote there, since no other proxy is in front of it. Sockets have no timeout:
  // a viewer may watch silently for hours.
  #proxy = createProxyServer({ xfwd: true });

  /**
   * @param guard checks host names; the services check the pages, since gateways refuse them with close codes
   */
  constructor(guard: Pick<RequestGuard, "hostRefusal">, { limits = httpTimeouts, checks, tell }: BalancerOptions = {}) {
    this.#guard = guard;
    this.#apis = new BackendPool({ kind: "api", times: checks, tell });
    this.#gateways = new BackendPool({ kind: "gateway", times: checks, tell });
    this.#venues = new BackendPool({ kind: "venue", times: checks, tell });
    this.server = createHttpServer(limits, (request, response) => void this.#forward(request, response));
    this.server.on("upgrade", (request, socket, head) => {
      if (!(socket instanceof Socket)) return;
      if (request.headers.upgrade?.toLowerCase() === "websocket") void this.#upgrade(request, socket, head);
      else ignoreUpgrade(this.server, request, socket, head);
    });
    this.server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
      if (!(socket instanceof Socket)) return;
      if (error.code === "HPE_HEADER_OVERFLOW")
        refuse(socket, 431, "The balancer refused this request: its head is too long.");
      else refuse(socket, 400, "The balancer refused this: it is not a valid HTTP request.");
    });
    // An error without a listener would be thrown, and one client that disconnects must not end everyone's sockets. The callbacks below
    // answer errors of the services; here the client is gone.
    this.#proxy.on("error", (_error, _request, client) => void client.destroy());
    this.#proxy.on("proxyReq", (asked, request) => {
      const release = this.#backends.get(request)?.hold(() => asked.destroy(new Error("the service does not answer")));
      if (release) asked.once("close", release);
    });
    // The proxy would leave the client waiting for the rest of a response whose service is gone.
    this.#proxy.on("proxyRes", (answer, _request, response) => {
      answer.once("close", () => void (answer.complete || response.destroy()));
    });
    this.#proxy.on("proxyReqWs", (asked, request, client) => {
      // A reset, since a frozen gateway cannot send a close code. The client reconnects with its token.
      const release = this.#backends.get(request)?.hold(() => client.resetAndDestroy());
      if (release) client.once("close", release);
      // A client that disconnects during its upgrade would leave an abandoned socket on the gateway.
      asked.once("upgrade", (_answer, upgraded) => {
        // A service that has closed takes nothing more. A write would fail, and the client would be reset before it reads the close code.
        upgraded.once("end", () => client.unpipe(upgraded));
        if (client.destroyed) upgraded.destroy();
        else client.once("close", () => upgraded.destroySoon());
      });
    });
  }

  use({ apis, gateways, venues = [] }: Backends): void {
    this.#apis.set(apis);
    this.#gateways.set(gateways);
    this.#venues.set(venues);
  }

  /** Ends the checks of the services. The caller closes the server. */
  stop(): void {
    this.#apis.stop();
    this.#gateways.stop();
    this.#venues.stop();
  }

  async #forward(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const refusal = this.#guard.hostRefusal(guardedRequest(request));
    if (refusal !== undefined) return refuse(response, 421, refusal.message);
    delete request.headers["x-forwarded-for"];
    await this.#send(request, response);
  }

  /** @param failed the service that did not respond to the first attempt */
  async #send(request: IncomingMessage, response: ServerResponse, failed?: Backend): Promise<void> {
    const [kind, pool] = isOfVenue(request) ? (["venue", this.#venues] as const) : (["api", this.#apis] as const);
    const noResponse = `The balancer cannot serve this request: the ${kind} closed the connection or does not answer.`;
    const backend = await pool.pick(failed);
    if (backend === undefined) {
      if (failed !== undefined) return refuse(response, 502, noResponse);
      return refuse(response, 503, `The balancer cannot serve this request: no ${kind} is up.`);
    }
    const headers = { ...request.headers };
    this.#backends.set(request, backend);
    this.#proxy.web(request, response, { target: backend.url }, () => {
      if (this.#backends.get(request) !== backend) return; // the second attempt is under way
      this.#backends.delete(request);
      const again = failed === undefined && canRepeat(request) && !response.headersSent && !response.destroyed;
      if (!again) return refuse(response, 502, noResponse);
      request.headers = headers; // without what the proxy has added
      void this.#send(request, response, backend);
    });
  }

  async #upgrade(request: IncomingMessage, socket: Socket, head: Buffer): Promise<void> {
    socket.on("error", () => socket.destroy()); // the client has disconnected
    // The gateway has closed: without this, a client that keeps sending would hold its connection and unread data.
    socket.once("finish", () => {
      if (socket instanceof Socket) lingeringClose(socket);
    });
    const refusal = this.#guard.hostRefusal(guardedRequest(request));
    if (refusal !== undefined) return refuse(socket, 421, refusal.message);
    const kind = isOfVenue(request) ? "venue" : isReplay(request) ? "api" : "gateway";
    const pools = { venue: this.#venues, api: this.#apis, gateway: this.#gateways };
    const backend = await pools[kind].pick();
    if (socket.destroyed) return;
    if (backend === undefined) return refuse(socket, 503, `The balancer cannot serve this socket: no ${kind} is up.`);
    delete request.headers["x-forwarded-for"];
    this.#backends.set(request, backend);
    this.#proxy.ws(request, socket, head, { target: backend.url }, () => {
      if (socket.bytesWritten === 0)
        refuse(socket, 502, `The balancer cannot serve this socket: the ${kind} closed the connection.`);
    });
  }
}

/** Venues have requests and sockets of their own, for bots. */
function isOfVenue({ url = "/" }: IncomingMessage): boolean {
  return url.startsWith("/venue/");
}

/** Replays of tapes for clients of Tardis are the api's, by WebSocket, too: gateways have viewers, whose frames are due at their time. */
function isReplay({ url = "/" }: IncomingMessage): boolean {
  return url.startsWith("/tardis/");
}

/** Whether a request may reach two services: it changes nothing, and has no body, which the first one would have consumed. */
function canRepeat({ method, headers }: IncomingMessage): boolean {
  const hasBody = headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
  return (method === "GET" || method === "HEAD") && !hasBody;
}

const reasons = {
  400: "Bad Request",
  421: "Misdirected Request",
  431: "Request Header Fields Too Large",
  502: "Bad Gateway",
  503: "Service Unavailable",
} as const;

/** The balancer's own errors have the same form as the api's. */
function refuse(to: ServerResponse | Socket, status: keyof typeof reasons, message: string): void {
  const ours = status >= 500;
  const code = ours ? "UNAVAILABLE" : status === 421 ? "HOST_NOT_ALLOWED" : "MALFORMED";
  const body = JSON.stringify({ status: "error", code, message });
  const headers = {
    ...securityHeaders,
    "content-type": "application/json; charset=utf-8",
    "content-length": String(Buffer.byteLength(body)),
    "access-control-allow-origin": "*",
    ...(ours ? { "retry-after": "1" } : {}),
  };
  if (to instanceof ServerResponse) {
    if (to.headersSent) to.destroy();
    else to.writeHead(status, headers).end(body);
    return;
  }
  const head = Object.entries({ ...headers, connection: "close" }).map(([name, value]) => `${name}: ${value}\r\n`);
  respondAndClose(to, `HTTP/1.1 ${status} ${reasons[status]}\r\n${head.join("")}\r\n${body}`);
}
