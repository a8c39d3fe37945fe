import { type IncomingMessage, type Server, ServerResponse } from "node:http";
import { Socket } from "node:net";
import {
  createHttpServer,
  guardedRequest,
  type HttpTimeouts,
  httpTimeouts,
  lingeringClose,
  type RequestGuard,
  respondAndClose,
  securityHeaders,
} from "@tapedeck/runtime";
import { createProxyServer } from "http-proxy-3";
import { acceptsConnections } from "./ports.js";

interface Backends {
  /** For HTTP requests. */
  readonly apis: readonly string[];
  /** For WebSocket connections. */
  readonly gateways: readonly string[];
}

/**
 * The local cluster's load balancer: each request and each socket goes to the next service of its kind, whatever the client. There is no
 * stickiness, so what works behind this balancer works behind any other.
 */
export class Balancer {
  readonly server: Server;
  readonly #guard: Pick<RequestGuard, "hostRefusal">;
  #apis = new RoundRobin();
  #gateways = new RoundRobin();
  // It writes X-Forwarded-* and discards what clients wrote there, since no other proxy is in front of it. Sockets have no timeout:
  // a viewer may watch silently for hours.
  #proxy = createProxyServer({ xfwd: true });

  /**
   * @param guard checks host names; the services check the pages, since gateways refuse them with close codes
   * @param limits how long clients may take; tests use shorter ones
   */
  constructor(guard: Pick<RequestGuard, "hostRefusal">, limits: HttpTimeouts = httpTimeouts) {
    this.#guard = guard;
    this.server = createHttpServer(limits, (request, response) => void this.#forward(request, response));
    this.server.on("upgrade", (request, socket, head) => {
      if (!(socket instanceof Socket)) return;
      if (request.headers.upgrade?.toLowerCase() === "websocket") void this.#upgrade(request, socket, head);
      else this.#ignoreUpgrade(request, socket, head);
    });
    this.server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
      if (!(socket instanceof Socket)) return;
      if (!socket.writable) socket.destroy();
      else if (error.code === "HPE_HEADER_OVERFLOW")
        refuse(socket, 431, "The balancer refused this request: its head is too long.");
      else refuse(socket, 400, "The balancer refused this: it is not a valid HTTP request.");
    });
    // An error without a listener would be thrown, and one client that disconnects must not end everyone's sockets. The callbacks below
    // answer errors of the services; here the client is gone.
    this.#proxy.on("error", (_error, _request, client) => void client.destroy());
    // A client that disconnects during its upgrade would leave an abandoned socket on the gateway.
    this.#proxy.on("proxyReqWs", (asked, _request, client) => {
      asked.once("upgrade", (_answer, upgraded) => {
        if (client.destroyed) upgraded.destroy();
        else client.once("close", () => upgraded.destroySoon());
      });
    });
  }

  use({ apis, gateways }: Backends): void {
    this.#apis.set(apis);
    this.#gateways.set(gateways);
  }

  async #forward(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const refusal = this.#guard.hostRefusal(guardedRequest(request));
    if (refusal !== undefined) return refuse(response, 421, refusal.message);
    const target = await this.#apis.pick();
    if (target === undefined) return refuse(response, 503, "The balancer cannot serve this request: no api is up.");
    delete request.headers["x-forwarded-for"];
    this.#proxy.web(request, response, { target }, () =>
      refuse(response, 502, "The balancer cannot serve this request: the api closed the connection."),
    );
  }

  /** An offer to upgrade to another protocol, such as HTTP/2, may be ignored: the request is served without it. */
  #ignoreUpgrade(request: IncomingMessage, socket: Socket, head: Buffer): void {
    socket.unshift(Buffer.concat([Buffer.from(headWithoutUpgrade(request), "latin1"), head]));
    this.server.emit("connection", socket);
  }

  async #upgrade(request: IncomingMessage, socket: Socket, head: Buffer): Promise<void> {
    socket.on("error", () => socket.destroy()); // the client has disconnected
    // The gateway has closed: without this, a client that keeps sending would hold its connection and unread data.
    socket.once("finish", () => {
      if (socket instanceof Socket) lingeringClose(socket);
    });
    const refusal = this.#guard.hostRefusal(guardedRequest(request));
    if (refusal !== undefined) return refuse(socket, 421, refusal.message);
    const target = await this.#gateways.pick();
    if (socket.destroyed) return;
    if (target === undefined) return refuse(socket, 503, "The balancer cannot serve this socket: no gateway is up.");
    delete request.headers["x-forwarded-for"];
    this.#proxy.ws(request, socket, head, { target }, () => {
      if (socket.bytesWritten === 0)
        refuse(socket, 502, "The balancer cannot serve this socket: the gateway closed the connection.");
    });
  }
}

/** On one machine a connection that is not refused is accepted at once, unless this process is too busy to notice. */
const connectMs = 5_000;

/** The addresses of one kind of service, used in turn. */
class RoundRobin {
  #urls: readonly string[] = [];
  #next = 0;

  set(urls: readonly string[]): void {
    this.#urls = urls;
  }

  /**
   * The next address that accepts a connection; undefined if none does. This skips a service that has just died, before the supervisor
   * reports it.
   */
  async pick(): Promise<string | undefined> {
    const urls = this.#urls;
    const first = this.#next++;
    for (let i = 0; i < urls.length; i++) {
      const url = urls[(first + i) % urls.length];
      if (url === undefined) continue;
      const { hostname, port } = new URL(url);
      if (await acceptsConnections({ host: hostname, port: Number(port) }, connectMs)) return url;
    }
    return undefined;
  }
}

const upgradeHeaders = new Set(["connection", "upgrade", "http2-settings"]);

/** The head of a request as received, without its offer to upgrade. */
function headWithoutUpgrade({ method, url, httpVersion, rawHeaders }: IncomingMessage): string {
  const lines = [`${method} ${url} HTTP/${httpVersion}`];
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const [name = "", value = ""] = rawHeaders.slice(i, i + 2);
    if (!upgradeHeaders.has(name.toLowerCase())) lines.push(`${name}: ${value}`);
  }
  return `${lines.join("\r\n")}\r\n\r\n`;
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
