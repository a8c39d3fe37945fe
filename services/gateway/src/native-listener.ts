import { Buffer } from "node:buffer";
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
import type { Uws, UwsContext, UwsRequest, UwsResponse, UwsSocket } from "./uws.js";

/** Serves by uWebSockets.js. Rejects where host and port cannot be listened on. */
export function listenNatively(uws: Uws, options: ListenerOptions): Promise<Listener> {
  const app = uws.App();
  const open = new Set<Corkable>();
  app.ws<{ events: SocketEvents }>("/*", {
    maxPayloadLength: options.maxMessageBytes,
    maxBackpressure: options.maxBackpressure,
    idleTimeout: options.idleTimeoutS,
    sendPingsAutomatically: true,
    upgrade: (res, req, context) => options.upgrade(new NativeUpgrade(res, req, context, open)),
    // A message without the flag goes out as text, so a socket serves as it is.
    open: (ws) => {
      open.add(ws);
      ws.getUserData().events.opened(ws satisfies Socket);
    },
    message: (ws, data) => ws.getUserData().events.message(data),
    drain: (ws) => ws.getUserData().events.drained(),
    close: (ws, code) => {
      open.delete(ws);
      ws.getUserData().events.closed(code);
    },
  });
  app.any("/*", (res, req) => {
    const request = readRequest(res, req);
    let gone = false;
    res.onAborted(() => {
      gone = true;
    });
    const answer = options.request(request);
    if (!(answer instanceof Promise)) {
      res.cork(() => write(res, answer));
      return;
    }
    void answer.then((late) => {
      if (!gone) res.cork(() => write(res, late));
    });
  });
  return new Promise((resolve, reject) => {
    app.listen(options.host, options.port, (socket) => {
      if (!socket) {
        reject(new CannotListen(options));
        return;
      }
      let open = true;
      resolve({
        port: uws.us_socket_local_port(socket),
        stop: () => {
          if (open) uws.us_listen_socket_close(socket);
          open = false;
        },
      });
    });
  });
}

/**
 * An upgrade inside its own response's cork is sometimes closed at once: where the upgraded socket stays at the same address,
 * the end of the cork takes it for a response still, and goes by whatever byte lies there (uWebSockets #1929, of July 2026;
 * all builds on npm have the fault). Outside of any cork the server complains on stderr, once per upgrade. So it borrows the
 * cork of another open socket, which serves to keep the server quiet and does no more: the head goes out in small writes.
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
  readonly #open: ReadonlySet<Corkable>;
  #answered = false;

  /** The request lives on the stack: everything is read now. @param open sockets that are open at any later time */
  constructor(res: UwsResponse, req: UwsRequest, context: UwsContext, open: ReadonlySet<Corkable>) {
    const request = readRequest(res, req);
    this.method = request.method;
    this.path = request.path;
    this.query = request.query;
    this.remoteAddress = request.remoteAddress;
    this.header = request.header;
    this.#res = res;
    this.#context = context;
    this.#open = open;
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
    const upgrade = () => {
      this.#res.writeStatus("101 Switching Protocols");
      for (const [name, value] of Object.entries(headers)) this.#res.writeHeader(name, value);
      this.#res.upgrade({ events }, this.#key, protocol, this.#extensions, this.#context);
    };
    const [lender] = this.#open;
    if (lender) lender.cork(() => this.#res.cork(upgrade));
    else upgrade();
  }

  refuse(answer: Answer): void {
    if (this.#answered) return;
    this.#answered = true;
    this.#res.cork(() => write(this.#res, answer));
  }
}

type Corkable = Pick<UwsSocket<unknown>, "cork">;

function readRequest(res: UwsResponse, req: UwsRequest): Request {
  const headers = new Map(requestHeaders.map((name) => [name, req.getHeader(name)]));
  return {
    method: req.getMethod().toUpperCase(),
    path: req.getUrl(),
    query: req.getQuery() ?? "",
    remoteAddress: addressText(new Uint8Array(res.getRemoteAddress())),
    header: (name) => headers.get(name) || undefined,
  };
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
