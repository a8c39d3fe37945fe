import { once } from "node:events";
import type { CloseCode, ServerMessage } from "@tapedeck/protocol";
import { type WebSocket, WebSocketServer } from "ws";
import { viewOf } from "./messages.js";

/** The other end of a connection, for what no gateway does at a test's word: it says what it is told to say. */
export class FakeGateway {
  readonly url: string;
  /** Each connection so far, and what it sent. */
  readonly connections: { readonly query: URLSearchParams; readonly protocol: string; readonly sent: unknown[] }[] = [];
  readonly #server: WebSocketServer;
  #current: WebSocket | undefined;

  /** @param greet called when someone comes, and at each of their messages: `let in`, a close code, or nothing yet */
  static async open(
    greet: (message: unknown, visit: number) => CloseCode | "let in" | undefined,
  ): Promise<FakeGateway> {
    const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
    await once(server, "listening");
    return new FakeGateway(server, greet);
  }

  private constructor(server: WebSocketServer, greet: Parameters<typeof FakeGateway.open>[0]) {
    this.#server = server;
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("it does not listen");
    this.url = `ws://127.0.0.1:${address.port}/ws`;
    server.on("connection", (socket, request) => {
      this.#current = socket;
      const nth = this.connections.length;
      const sent: unknown[] = [];
      this.connections.push({
        query: new URL(request.url ?? "", this.url).searchParams,
        protocol: socket.protocol,
        sent,
      });
      let inside = false;
      const hear = (message: unknown) => {
        const answer = inside ? undefined : greet(message, nth);
        if (answer === "let in") {
          inside = true;
          this.send({ type: "session", session: viewOf(), node: "stand-in", limits: {} });
        } else if (answer !== undefined) socket.close(answer);
      };
      hear(undefined);
      socket.on("message", (data) => {
        const message: unknown = JSON.parse(data.toString());
        sent.push(message);
        hear(message);
      });
    });
  }

  send(...messages: ServerMessage[]): void {
    for (const message of messages) this.#current?.send(JSON.stringify(message));
  }

  disconnect(code: number): void {
    this.#current?.close(code);
  }

  async close(): Promise<void> {
    for (const socket of this.#server.clients) socket.terminate();
    const closed = once(this.#server, "close");
    this.#server.close();
    await closed;
  }
}
