import { once } from "node:events";
import WebSocket from "ws";

/** An answer as the script takes it: JSON or nothing at all. */
type Json = Record<string, unknown>;

/**
 * What the seed document's test script does, call by call, and what it takes for granted. Its HTTP client sends POSTs without a
 * body as `application/octet-stream`, and any answer that is not 200 ends it.
 */
export class SeedScript {
  readonly #backend: string;

  constructor(backend: string) {
    this.#backend = backend;
  }

  async post(path: string, body?: Json): Promise<Json> {
    return this.#call(path, {
      method: "POST",
      headers: { "content-type": body ? "application/json" : "application/octet-stream" },
      ...(body && { body: JSON.stringify(body) }),
    });
  }

  get(path: string): Promise<Json> {
    return this.#call(path, {});
  }

  delete(path: string): Promise<Json> {
    return this.#call(path, { method: "DELETE" });
  }

  async #call(path: string, request: RequestInit): Promise<Json> {
    const answer = await fetch(`${this.#backend}${path}`, request);
    if (answer.status !== 200) throw new Error(`${path} answered ${answer.status}: ${await answer.text()}`);
    return answer.json();
  }

  /** Connects and reads so many messages. */
  async receive(path: string, count: number): Promise<Json[]> {
    const socket = new WebSocket(`${this.#backend.replace(/^http/, "ws")}${path}`);
    const messages: Json[] = [];
    socket.on("message", (data) => {
      messages.push(JSON.parse(data.toString()));
      if (messages.length === count) socket.close();
    });
    await once(socket, "close");
    return messages;
  }
}
