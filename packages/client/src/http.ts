import type { ErrorBody } from "@tapedeck/protocol";
import { TapedeckError } from "./errors.js";

export interface HttpOptions {
  /** Without a slash at the end. */
  readonly addresses: readonly string[];
  readonly token: (() => Promise<string | undefined>) | undefined;
  readonly fetch: typeof fetch;
  readonly signal: AbortSignal | undefined;
}

/** JSON calls. An address that does not answer is left for the next one. */
export class Http {
  readonly #options: HttpOptions;
  /** The one that answered last. */
  #address = 0;

  constructor(options: HttpOptions) {
    this.#options = options;
  }

  /** Rejects with the cluster's refusal, `unreachable`, `bad_answer` or `closed`. The type is the caller's to know. */
  async call<T>(method: "GET" | "POST" | "DELETE", path: string, body?: object): Promise<T> {
    const { addresses, token, signal } = this.#options;
    const bearer = await token?.();
    const request: RequestInit = {
      method,
      signal: signal ?? null,
      headers: {
        ...(body && { "content-type": "application/json" }),
        ...(bearer !== undefined && { authorization: `Bearer ${bearer}` }),
      },
      ...(body && { body: JSON.stringify(body) }),
    };
    const causes: unknown[] = [];
    for (const _ of addresses) {
      try {
        return await this.#ask(`${addresses[this.#address]}${path}`, request);
      } catch (error) {
        if (error instanceof TapedeckError) throw error;
        if (signal?.aborted) throw new TapedeckError("closed", "The deck was closed.", { cause: error });
        causes.push(error);
        this.#address = (this.#address + 1) % addresses.length;
      }
    }
    throw new TapedeckError("unreachable", `No answer from ${addresses.join(", ")}.`, { cause: causes.at(-1) });
  }

  async #ask<T>(url: string, request: RequestInit): Promise<T> {
    const ask = this.#options.fetch;
    const answer = await ask(url, request);
    const text = await answer.text();
    let json: T & Partial<ErrorBody>;
    try {
      json = JSON.parse(text);
    } catch (cause) {
      throw new TapedeckError("bad_answer", `${url} answered ${answer.status} with something else than JSON.`, {
        cause,
      });
    }
    if (answer.ok) return json;
    const retryAfter = Number(answer.headers.get("retry-after") ?? Number.NaN);
    throw new TapedeckError(json.code ?? "bad_answer", json.message ?? `${url} answered ${answer.status}.`, {
      retryAfter: Number.isNaN(retryAfter) ? undefined : retryAfter,
    });
  }
}
