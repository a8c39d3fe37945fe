import type { IncomingMessage } from "node:http";
import { Socket } from "node:net";
import { createHttpServer, httpTimeouts, respondAndClose } from "@tapedeck/runtime";
import type Koa from "koa";
import { BinanceError } from "./binance-error.js";

/** A listening server. */
export interface Listening {
  readonly url: string;
  /** Waits for the requests in progress. */
  close(): Promise<void>;
}

/** Longer than load balancers keep idle connections (usually 60 s), so that they close them and never race with our close. */
const keepAliveMs = 75_000;

interface Place {
  readonly host: string;
  readonly port: number;
  /** Before the path of each request, for a port that is of one session. */
  readonly prefix?: string;
}

/** @param upgrade takes over requests for a WebSocket */
export async function listen(
  app: Koa,
  upgrade: (request: IncomingMessage, socket: Socket, head: Buffer) => void,
  { host, port, prefix }: Place,
): Promise<Listening> {
  const serve = app.callback();
  const place = (request: IncomingMessage): void => {
    if (prefix !== undefined) request.url = prefix + (request.url ?? "/");
  };
  const server = createHttpServer(
    httpTimeouts,
    (request, response) => {
      place(request);
      void serve(request, response);
    },
    { keepAliveTimeout: keepAliveMs },
  );
  server.on("upgrade", (request, socket, head) => {
    place(request);
    if (socket instanceof Socket) upgrade(request, socket, head);
  });
  server.on("clientError", (_error, socket) => {
    if (socket instanceof Socket)
      refuseSocket(socket, new BinanceError("ILLEGAL_CHARS", "This is not a valid HTTP request."));
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, resolve);
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server has no address");
  const name = address.family === "IPv6" ? `[${address.address}]` : address.address;
  return {
    url: `http://${name}:${address.port}`,
    close: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error ? reject(error) : resolve()));
        server.closeIdleConnections();
      }),
  };
}

/** Answers a request that has no response object, and closes its connection. */
export function refuseSocket(socket: Socket, { status, body, retryAfter }: BinanceError): void {
  const text = JSON.stringify(body);
  const headers = [
    `HTTP/1.1 ${status} Refused`,
    "Content-Type: application/json",
    `Content-Length: ${Buffer.byteLength(text)}`,
    ...(retryAfter === undefined ? [] : [`Retry-After: ${Math.ceil(retryAfter)}`]),
    "Connection: close",
  ];
  respondAndClose(socket, `${headers.join("\r\n")}\r\n\r\n${text}`);
}
