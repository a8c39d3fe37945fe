import { Buffer } from "node:buffer";
import { type CorkLender, openCorkLender } from "./cork-lender.js";
import {
  type Answer,
  CannotListen,
  type Listener,
  type ListenerOptions,
  type Request,
  type RequestHeader,
  requestHeaders,
  type Socket,
  type SocketEvents,
  type Upgrade,
} from "./listener.js";
import type { Uws, UwsContext, UwsRequest, UwsResponse } from "./uws.js";

/** Serves by uWebSockets.js. Rejects where host and port cannot be listened on. */
export async function listenNatively(uws: Uws, options: ListenerOptions): Promise<Listener> {
  const app = uws.App();
  const lender = await openCorkLender(uws);
  const answer = (res: UwsResponse, req: UwsRequest): void => {
    if (bringsBody(req)) {
      res.close();
      return;
    }
    let gone = false;
    res.onAborted(() => {
      gone = true;
    });
    const now = options.request(readRequest(res, req));
    if (!(now instanceof Promise)) {
      res.cork(() => write(res, now));
      return;
    }
    void now.then((late) => {
      if (!gone) res.cork(() => write(res, late));
    });
  };
  app.ws<{ events: SocketEvents }>("/*", {
    maxPayloadLength: options.maxMessageBytes,
    maxBackpressure: options.maxBackpressure,
    idleTimeout: options.idleTimeoutS,
    sendPingsAutomatically: true,
    upgrade: (res, req, context) => {
      if (bringsBody(req)) res.close();
      else if (asksForUpgrade(req)) options.upgrade(new NativeUpgrade(res, req, context, lender));
      else answer(res, req);
    },
    // A message without the flag goes out as text, so a socket serves as it is.
    open: (ws) => ws.getUserData().events.opened(ws satisfies Socket),
    message: (ws, data) => ws.getUserData().events.message(data),
    drain: (ws) => ws.getUserData().events.drained(),
    close: (ws, code) => ws.getUserData().events.closed(code),
  });
  app.any("/*", answer);
  return new Promise((resolve, reject) => {
    app.listen(options.host, options.port, (socket) => {
      if (!socket) {
        lender.close();
        reject(new CannotListen(options));
        return;
      }
      let open = true;
      const stop = (): void => {
        if (open) uws.us_listen_socket_close(socket);
        open = false;
      };
      resolve({
        port: uws.us_socket_local_port(socket),
        stop,
        close: () => {
          stop();
          lender.close();
        },
      });
    });
  });
}

/**
 * A gateway has no use for a body, and uWebSockets.js goes by the first of two lengths where a proxy may go by the second: what one
 * takes for the rest of a body is the next request to the other. Such a connection is closed at once: after an answer, what lies behind it
 * would be read as a request all the same.
 */
function bringsBody(req: UwsRequest): boolean {
  return req.getHeader("transfer-encoding") !== "" || linesOf(req, "content-length").some((length) => length !== "0");
}

/**
 * uWebSockets.js takes every request with a WebSocket key for an upgrade. It closes one with `Connection: close` in the middle of
 * a late upgrade and frees its memory twice, which ends the process; so only what asks for an upgrade gets one.
 */
function asksForUpgrade(req: UwsRequest): boolean {
  const words = req.getHeader("connection").toLowerCase().split(",");
  return words.some((word) => word.trim() === "upgrade") && req.getHeader("upgrade").toLowerCase() === "websocket";
}

/**
 * An upgrade inside its own response's cork is sometimes closed at once: where the upgraded socket stays at the same address,
 * the end of the cork takes it for a response still, and goes by whatever byte lies there (uWebSockets #1929, of July 2026;
 * all builds on npm have the fault). Outside of any cork the server prints a warning for each line of the head. So an upgrade
 * borrows a cork, in which it is safe and quiet; the head goes out in small writes.
 */
class NativeUpgrade implements Upgrade {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly remoteAddress: string;
  readonly header: (name: RequestHeader) => string | undefined;
  readonly #res: UwsResponse;
  readonly #context: UwsContext;
  readonly #key: string;
  readonly #extensions: string;
  readonly #lender: CorkLender;
  #answered = false;

  /** The request lives on the stack: everything is read now. */
  constructor(res: UwsResponse, req: UwsRequest, context: UwsContext, lender: CorkLender) {
    const request = readRequest(res, req);
    this.method = request.method;
    this.path = request.path;
    this.query = request.query;
    this.remoteAddress = request.remoteAddress;
    this.header = request.header;
    this.#res = res;
    this.#context = context;
    this.#lender = lender;
    this.#key = req.getHeader("sec-websocket-key");
    this.#extensions = req.getHeader("sec-websocket-extensions");
    res.onAborted(() => {
      this.#answered = true;
    });
  }

  get gone(): boolean {
    return this.#answered;
  }

  accept(events: SocketEvents, { protocol = "", headers = {} }: Parameters<Upgrade["accept"]>[1]): void {
    if (this.#answered) return;
    this.#answered = true;
    this.#lender.cork(() => {
      this.#res.writeStatus("101 Switching Protocols");
      for (const [name, value] of Object.entries(headers)) this.#res.writeHeader(name, value);
      this.#res.upgrade({ events }, this.#key, protocol, this.#extensions, this.#context);
    });
  }

  refuse(answer: Answer): void {
    if (this.#answered) return;
    this.#answered = true;
    this.#res.cork(() => write(this.#res, answer));
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

/** A proxy may add a line of its own below the one that its client wrote; `getHeader` has the first. */
function linesOf(req: UwsRequest, name: string): string[] {
  const values: string[] = [];
  req.forEach((key, value) => {
    if (key === name) values.push(value);
  });
  return values;
}

function write(res: UwsResponse, { status, headers, body }: Answer): void {
  res.writeStatus(String(status));
  for (const [name, value] of Object.entries(headers)) res.writeHeader(name, value);
  res.end(body);
}

/** 4 bytes of IPv4, or 16 of IPv6, of which some stand for an IPv4 address (::ffff:a.b.c.d). */
function addressText(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join(".");
  const mapped = bytes.subarray(0, 10).every((byte) => byte === 0) && bytes[10] === 0xff && bytes[11] === 0xff;
  if (mapped) return bytes.subarray(12).join(".");
  return Buffer.from(bytes).toString("hex").match(/.{4}/g)?.join(":") ?? "";
}
