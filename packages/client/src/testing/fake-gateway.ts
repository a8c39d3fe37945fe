import { once } from "node:events";
import type { CloseCode, ServerMessage } from "@tapedeck/protocol";
import { type WebSocket, WebSocketServer } from "ws";
import { viewOf } from "./messages.js";

/** A WebSocket server that sends what a test tells it to. */
export class FakeGateway {
  readonly url: string;
  /** All connections so far, with the messages that they sent. */
  readonly connections: { readonly query: URLSearchParams; readonly protocol: string; readonly sent: unknown[] }[] = [];
  readonly #server: WebSocketServer;
  #current: WebSocket | undefined;
  #frozen = false;

  /** @param onClient called for a new connection and for each message before it is accepted: accept, close with a code, or wait */
  static async open(onClient: (message: unknown) => CloseCode | "accept" | undefined): Promise<FakeGateway> {
    const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
    await once(server, "listening");
    return new FakeGateway(server, onClient);
  }

  private constructor(server: WebSocketServer, onClient: Parameters<typeof FakeGateway.open>[0]) {
    this.#server = server;
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("the server does not listen");
    this.url = `ws://127.0.0.1:${address.port}/ws`;
    server.on("connection", (socket, request) => {
      this.#current = socket;
      if (this.#frozen) return;
      const sent: unknown[] = [];
      this.connections.push({
        query: new URL(request.url ?? "", this.url).searchParams,
        protocol: socket.protocol,
        sent,
      });
      let accepted = false;
      const receive = (message: unknown) => {
        const answer = accepted ? undefined : onClient(message);
        if (answer === "accept") {
          accepted = true;
          this.send({ type: "session", session: viewOf(), node: "fake", limits: {} });
        } else if (answer !== undefined) socket.close(answer);
      };
      receive(undefined);
      socket.on("message", (data) => {
        if (this.#frozen) return;
        const message: unknown = JSON.parse(data.toString());
        sent.push(message);
        receive(message);
        if (accepted && JSON.stringify(message) === '{"type":"ping"}') this.send({ type: "pong" });
      });
    });
  }

  send(...messages: ServerMessage[]): void {
    for (const message of messages) this.#current?.send(JSON.stringify(message));
  }

  /** Accepts connections from now on, and says nothing, not even to pings. */
  freeze(): void {
    this.#frozen = true;
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
