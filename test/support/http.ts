import { controlAnswer, createAnswer, errorBody, type SessionView, sessionAnswer } from "@tapedeck/protocol";
import { z } from "zod";

export interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly headers: Headers;
}

/** JSON calls that rotate over several addresses, like a balancer without stickiness. */
export class Http {
  readonly #urls: readonly string[];
  readonly #headers: Readonly<Record<string, string>>;
  #next = 0;

  constructor(urls: readonly string[], headers: Readonly<Record<string, string>> = {}) {
    this.#urls = urls;
    this.#headers = headers;
  }

  /** The same client with a user's token. */
  as(headers: Readonly<Record<string, string>>): Http {
    return new Http(this.#urls, headers);
  }

  async call(method: string, path: string, body?: unknown): Promise<Answer> {
    const url = this.#urls[this.#next++ % this.#urls.length] ?? "";
    const answer = await fetch(`${url}${path}`, {
      method,
      headers: { ...this.#headers, ...(body !== undefined && { "content-type": "application/json" }) },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    try {
      return { status: answer.status, body: JSON.parse(text), headers: answer.headers };
    } catch {
      throw new Error(
        `${method} ${path} answered ${answer.status} with something else than JSON: ${text.slice(0, 200)}`,
      );
    }
  }

  get(path: string): Promise<Answer> {
    return this.call("GET", path);
  }

  /** A call that must succeed and match the schema. */
  async ask<T>(schema: z.ZodType<T>, method: string, path: string, body?: unknown): Promise<T> {
    const answer = await this.call(method, path, body);
    if (answer.status !== 200) {
      throw new Error(`${method} ${path} answered ${answer.status}: ${JSON.stringify(answer.body)}`);
    }
    return schema.parse(answer.body);
  }

  /** A call that must be refused. Returns status and code. */
  async refused(method: string, path: string, body?: unknown): Promise<{ status: number; code: string }> {
    const answer = await this.call(method, path, body);
    return { status: answer.status, code: errorBody.parse(answer.body).code };
  }

  async create(body: Record<string, unknown> = {}): Promise<SessionView> {
    return (await this.ask(createAnswer, "POST", "/sessions/create", body)).session;
  }

  async session(id: string): Promise<SessionView> {
    return (await this.ask(sessionAnswer, "GET", `/sessions/${encodeURIComponent(id)}`)).session;
  }

  /** `control(id, "speed/20")`, `control(id, "seek", { seq: 7 })`; alternates between both orders of the path. */
  async control(id: string, action: string, body?: unknown): Promise<z.infer<typeof controlAnswer>> {
    const name = encodeURIComponent(id);
    const path = this.#next % 3 === 0 ? `/replay/${name}/${action}` : `/replay/${action}/${name}`;
    return this.ask(controlAnswer, "POST", path, body);
  }

  async delete(id: string): Promise<void> {
    await this.ask(z.looseObject({}), "DELETE", `/sessions/${encodeURIComponent(id)}`);
  }
}
