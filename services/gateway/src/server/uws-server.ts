import { Buffer } from "node:buffer";
import { randomUUID } from "node:crypto";
import { createConnection } from "node:net";
import type { Uws, UwsContext, UwsRequest, UwsResponse } from "./load-uws.js";
import {
  type HttpResponse,
  ListenError,
  type Request,
  type RequestHeader,
  requestHeaders,
  type ServerOptions,
  type Socket,
  type SocketEvents,
  type SocketServer,
  type Upgrade,
} from "./server.js";

/** Serves by uWebSockets.js. Rejects with `ListenError`. */
export async function startUwsServer(uws: Uws, options: ServerOptions): Promise<SocketServer> {
  const app = uws.App();
  const spareCork = await openSpareCork(uws);
  const respond = (res: UwsResponse, req: UwsRequest): void => {
    if (hasBody(req)) {
      res.close();
      return;
    }
    let gone = false;
    res.onAborted(() => {
      gone = true;
    });
    const response = options.request(readRequest(res, req));
    void Promise.resolve(response).then((ready) => respondLater(res, ready, () => gone));
  };
  app.ws<{ events: SocketEvents }>("/*", {
    maxPayloadLength: options.maxMessageBytes,
    maxBackpressure: options.maxBackpressure,
    idleTimeout: options.idleTimeoutS,
    sendPingsAutomatically: true,
    upgrade: (res, req, context) => {
      if (hasBody(req)) res.close();
      else if (asksForUpgrade(req)) new UwsUpgrade(res, req, context, spareCork).handle(options.upgrade);
      else respond(res, req);
    },
    // `send` without its second argument sends text, so a uWebSockets.js socket is a `Socket` as it is.
    open: (ws) => ws.getUserData().events.opened(ws satisfies Socket),
    message: (ws, data) => ws.getUserData().events.message(data),
    drain: (ws) => ws.getUserData().events.drained(),
    close: (ws, code) => ws.getUserData().events.closed(code),
  });
  app.any("/*", respond);
  return new Promise((resolve, reject) => {
    app.listen(options.host, options.port, (socket) => {
      if (!socket) {
        spareCork.close();
        reject(new ListenError(options));
        return;
      }
      let open = true;
      const stopAccepting = (): void => {
        if (open) uws.us_listen_socket_close(socket);
        open = false;
      };
      resolve({
        port: uws.us_socket_local_port(socket),
        stopAccepting,
        close: () => {
          stopAccepting();
          spareCork.close();
        },
      });
    });
  });
}

/**
 * A gateway has no use for a body, and of two Content-Length headers uWebSockets.js uses the first where a proxy may use the second:
 * what is the rest of a body to one is the next request to the other (request smuggling). So such a connection is closed at once; after
 * a response, the bytes behind it would still be read as a request.
 */
function hasBody(req: UwsRequest): boolean {
  return req.getHeader("transfer-encoding") !== "" || linesOf(req, "content-length").some((length) => length !== "0");
}

/**
 * uWebSockets.js treats every request with a WebSocket key as an upgrade. If it has `Connection: close`, a late upgrade frees the
 * request's memory twice, which ends the process. So only requests that ask for an upgrade get one.
 */
function asksForUpgrade(req: UwsRequest): boolean {
  const words = req.getHeader("connection").toLowerCase().split(",");
  return words.some((word) => word.trim() === "upgrade") && req.getHeader("upgrade").toLowerCase() === "websocket";
}

/**
 * An upgrade that is accepted while its request is handled goes out in one write: uWebSockets.js corks that turn itself, and knows of the upgrade.
 *
 * A later upgrade inside its own response's cork is sometimes closed at once: if the upgraded socket stays at the same address, the end
 * of the cork still treats it as a response and reads an arbitrary byte (uWebSockets #1929, of July 2026; all builds on npm have
 * the fault). Outside of any cork the server prints a warning for each header line. So an upgrade uses the spare cork of another
 * response, which is safe and quiet; the head goes out in small writes.
 */
class UwsUpgrade implements Upgrade {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly remoteAddress: string;
  readonly header: (name: RequestHeader) => string | undefined;
  readonly #res: UwsResponse;
  readonly #context: UwsContext;
  readonly #key: string;
  readonly #extensions: string;
  readonly #spareCork: SpareCork;
  #handling = false;
  #answered = false;
  #gone = false;

  /** The request is valid only during the call: everything is read now. */
  constructor(res: UwsResponse, req: UwsRequest, context: UwsContext, spareCork: SpareCork) {
    const request = readRequest(res, req);
    this.method = request.method;
    this.path = request.path;
    this.query = request.query;
    this.remoteAddress = request.remoteAddress;
    this.header = request.header;
    this.#res = res;
    this.#context = context;
    this.#spareCork = spareCork;
    this.#key = req.getHeader("sec-websocket-key");
    this.#extensions = req.getHeader("sec-websocket-extensions");
    res.onAborted(() => {
      this.#answered = true;
      this.#gone = true;
    });
  }

  handle(take: (upgrade: Upgrade) => void): void {
    this.#handling = true;
    try {
      take(this);
    } finally {
      this.#handling = false;
    }
  }

  get gone(): boolean {
    return this.#answered;
  }

  accept(events: SocketEvents, { protocol = "", headers = {} }: Parameters<Upgrade["accept"]>[1]): void {
    if (this.#answered) return;
    this.#answered = true;
    const write = () => {
      this.#res.writeStatus("101 Switching Protocols");
      for (const [name, value] of Object.entries(headers)) this.#res.writeHeader(name, value);
      this.#res.upgrade({ events }, this.#key, protocol, this.#extensions, this.#context);
    };
    if (this.#handling) write();
    else this.#spareCork.cork(write);
  }

  refuse(response: HttpResponse): void {
    if (this.#answered) return;
    this.#answered = true;
    respondLater(this.#res, response, () => this.#gone);
  }
}

function readRequest(res: UwsResponse, req: UwsRequest): Request {
  const headers = new Map(requestHeaders.map((name) => [name, req.getHeader(name)]));
  headers.set("x-forwarded-for", linesOf(req, "x-forwarded-for").join(", "));
  return {
    method: req.getMethod().toUpperCase(),
    path: req.getUrl(),
    query: req.getQuery() ?? "",
    remoteAddress: addressText(new Uint8Array(res.getRemoteAddress())),
    header: (name) => headers.get(name) || undefined,
  };
}

/** All lines with a header. A proxy may add its own line below that of its client, and `getHeader` returns only the first. */
function linesOf(req: UwsRequest, name: string): string[] {
  const values: string[] = [];
  req.forEach((key, value) => {
    if (key === name) values.push(value);
  });
  return values;
}

/**
 * Responds in the event loop's next turn. uWebSockets.js closes a connection that brings another request before the response to the
 * last one, so a client that pipelines hundreds of requests has one handled, not all of them in one turn that delays every socket.
 */
function respondLater(res: UwsResponse, response: HttpResponse, gone: () => boolean): void {
  setImmediate(() => {
    if (!gone()) res.cork(() => write(res, response));
  });
}

function write(res: UwsResponse, { status, headers, body }: HttpResponse): void {
  res.writeStatus(String(status));
  for (const [name, value] of Object.entries(headers)) res.writeHeader(name, value);
  res.end(body);
}

/** 4 bytes are an IPv4 address; 16 are IPv6, where ::ffff:a.b.c.d means an IPv4 address. */
function addressText(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join(".");
  const mapped = bytes.subarray(0, 10).every((byte) => byte === 0) && bytes[10] === 0xff && bytes[11] === 0xff;
  if (mapped) return bytes.subarray(12).join(".");
  return Buffer.from(bytes).toString("hex").match(/.{4}/g)?.join(":") ?? "";
}

const loopback = "127.0.0.1";

/** The cork of a response that stays open, in which other responses can be written. */
interface SpareCork {
  cork(run: () => void): void;
  /** Afterwards `cork` runs its argument without a cork. */
  close(): void;
}

/**
 * Connects this process to itself and never answers the one request of that connection; uWebSockets.js sets no time limit for
 * responses. This costs two file descriptors. The port is open only until the connection is, on the loopback address, and
 * serves one random path.
 */
function openSpareCork(uws: Uws): Promise<SpareCork> {
  const path = `/${randomUUID()}`;
  return new Promise((resolve, reject) => {
    const app = uws.App();
    app.listen(loopback, 0, (socket) => {
      if (!socket) {
        reject(new Error(`no port of ${loopback} can be listened on`));
        return;
      }
      const client = createConnection(uws.us_socket_local_port(socket), loopback);
      client.on("error", reject);
      client.write(`GET ${path} HTTP/1.1\r\nHost: ${loopback}\r\n\r\n`);
      app.any(path, (res) => {
        uws.us_listen_socket_close(socket);
        let open = true;
        res.onAborted(() => {
          open = false;
        });
        resolve({
          cork: (run) => {
            if (open) res.cork(run);
            else run();
          },
          close: () => client.destroy(),
        });
      });
    });
  });
}
