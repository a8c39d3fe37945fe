import type { Server } from "node:http";
import { type AddressInfo, Socket } from "node:net";
import { errorBodyOf } from "@tapedeck/protocol";
import { createHttpServer, type HttpTimeouts, httpTimeouts, ignoreUpgrade, respondAndClose } from "@tapedeck/runtime";
import type Koa from "koa";
import type { WebSockets } from "./web-socket.js";

/** A listening server; `close` waits for requests in progress. */
export interface Listening {
  readonly url: string;
  close(): Promise<void>;
}

/** Longer than load balancers keep idle connections (usually 60 s), so that they close them and never race with our close. */
const keepAliveMs = 75_000;

interface ListenOptions {
  /** Timeouts for clients; tests shorten them. */
  readonly limits?: HttpTimeouts;
  /** Those of the app's routes; without, no route answers by WebSocket. */
  readonly sockets?: WebSockets;
}

export async function listen(
  app: Koa,
  host: string,
  port: number,
  { limits = httpTimeouts, sockets }: ListenOptions = {},
): Promise<Listening> {
  const refused = new WeakSet<Socket>();
  const serve = app.callback();
  const server = createHttpServer(
    limits,
    (request, response) => {
      // What comes on a connection after its last response would be carried out and taken for refused.
      if (!refused.has(request.socket)) void serve(request, response);
    },
    { keepAliveTimeout: keepAliveMs },
  );
  answerUnreadableRequests(server, refused);
  if (sockets !== undefined) {
    server.on("upgrade", (request, socket, head) => {
      if (!(socket instanceof Socket)) return;
      if (request.headers.upgrade?.toLowerCase() === "websocket") sockets.handle(serve, request, { socket, head });
      else ignoreUpgrade(server, request, socket, head);
    });
  }
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, resolve);
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server has no address");
  return { url: urlOf(address), close: () => close(server, sockets) };
}

function urlOf({ address, family, port }: AddressInfo): string {
  return `http://${family === "IPv6" ? `[${address}]` : address}:${port}`;
}

function close(server: Server, sockets: WebSockets | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    sockets?.close();
    server.close((error) => (error ? reject(error) : resolve()));
    server.closeIdleConnections();
  });
}

/** Requests that Node's parser rejects, or that took too long, never reach Koa; they are answered with JSON as well. */
function answerUnreadableRequests(server: Server, refused: WeakSet<Socket>): void {
  server.on("clientError", (_error, socket) => {
    if (!(socket instanceof Socket)) return;
    refused.add(socket);
    const body = JSON.stringify(errorBodyOf({ refused: "MALFORMED", message: "This is not a valid HTTP request." }));
    respondAndClose(
      socket,
      `HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n` +
        `Access-Control-Allow-Origin: *\r\nConnection: close\r\n\r\n${body}`,
    );
  });
}
