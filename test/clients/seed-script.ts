import { once } from "node:events";
import WebSocket from "ws";

/** A response: the script accepts only JSON. */
type Json = Record<string, unknown>;

/**
 * The requests of the seed document's test script, and its assumptions. Its HTTP client sends POSTs without a body as
 * `application/octet-stream`, and any status other than 200 ends the script.
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

  /** Connects and reads this many messages. */
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
