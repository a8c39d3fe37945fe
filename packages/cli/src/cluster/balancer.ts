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
import { RoundRobin } from "./round-robin.js";

export interface Backends {
  /** Where HTTP requests go. */
  readonly apis: readonly string[];
  /** Where WebSocket connections go. */
  readonly gateways: readonly string[];
}

/**
 * The local stand-in for a load balancer: each request and each socket goes to the next service of its kind, whoever sent
 * it. Nothing sticks, so whatever works behind it works behind any balancer.
 */
export class Balancer {
  readonly server: Server;
  readonly #guard: Pick<RequestGuard, "hostRefusal">;
  #apis = new RoundRobin();
  #gateways = new RoundRobin();
  // X-Forwarded-* are written, and what clients write there goes, since nothing stands before this balancer. Sockets get no timeout:
  // a viewer may watch in silence for hours.
  #proxy = createProxyServer({ xfwd: true });

  /**
   * @param guard by which names it may be asked; which pages may ask is for the services to see, since gateways answer them by close codes
   * @param limits how long clients may take; for tests, which do not want to wait so long
   */
  constructor(guard: Pick<RequestGuard, "hostRefusal">, limits: HttpTimeouts = httpTimeouts) {
    this.#guard = guard;
    this.server = createHttpServer(limits, (request, response) => void this.#forward(request, response));
    this.server.on("upgrade", (request, socket, head) => {
      if (!(socket instanceof Socket)) return;
      if (request.headers.upgrade?.toLowerCase() === "websocket") void this.#upgrade(request, socket, head);
      else this.#stay(request, socket, head);
    });
    this.server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
      if (!(socket instanceof Socket)) return;
      if (!socket.writable) socket.destroy();
      else if (error.code === "HPE_HEADER_OVERFLOW")
        refuse(socket, 431, "The balancer cannot serve this: its head is too long.");
      else refuse(socket, 400, "The balancer cannot serve this: it is not an HTTP request.");
    });
    // It throws what nobody listens for, and one client that vanishes must not take everyone's sockets along. The answer to
    // its error is given in the callbacks below; here the client is gone.
    this.#proxy.on("error", (_error, _request, client) => void client.destroy());
    // A client that goes while its upgrade is on the way would leave the gateway with a socket that nobody watches.
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
    const unwanted = this.#guard.hostRefusal(guardedRequest(request));
    if (unwanted !== undefined) return refuse(response, 421, unwanted.message);
    const target = await this.#apis.pick();
    if (target === undefined) return refuse(response, 503, "The balancer cannot serve this: no api is up.");
    delete request.headers["x-forwarded-for"];
    this.#proxy.web(request, response, { target }, () =>
      refuse(response, 502, "The balancer cannot serve this: the api broke the connection off."),
    );
  }

  /** An offer of another protocol, such as HTTP/2 by clients that prefer it, may be ignored: the request is served as it is. */
  #stay(request: IncomingMessage, socket: Socket, head: Buffer): void {
    socket.unshift(Buffer.concat([Buffer.from(headWithoutOffer(request), "latin1"), head]));
    this.server.emit("connection", socket);
  }

  async #upgrade(request: IncomingMessage, socket: Socket, head: Buffer): Promise<void> {
    socket.on("error", () => socket.destroy()); // the client went away; there is nobody to tell
    // The gateway has closed: a client that sends on and on would otherwise be held with what nobody reads.
    socket.once("finish", () => {
      if (socket instanceof Socket) lingeringClose(socket);
    });
    const unwanted = this.#guard.hostRefusal(guardedRequest(request));
    if (unwanted !== undefined) return refuse(socket, 421, unwanted.message);
    const target = await this.#gateways.pick();
    if (socket.destroyed) return;
    if (target === undefined) return refuse(socket, 503, "The balancer cannot serve this: no gateway is up.");
    delete request.headers["x-forwarded-for"];
    this.#proxy.ws(request, socket, head, { target }, () => {
      if (socket.bytesWritten === 0)
        refuse(socket, 502, "The balancer cannot serve this: the gateway broke the connection off.");
    });
  }
}

const offer = new Set(["connection", "upgrade", "http2-settings"]);

/** The head of a request as it came, but for the protocols that it offers to go over to. */
function headWithoutOffer({ method, url, httpVersion, rawHeaders }: IncomingMessage): string {
  const lines = [`${method} ${url} HTTP/${httpVersion}`];
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const [name = "", value = ""] = rawHeaders.slice(i, i + 2);
    if (!offer.has(name.toLowerCase())) lines.push(`${name}: ${value}`);
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

/** The balancer's own errors look like the api's, so that a client has one shape to read. */
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
