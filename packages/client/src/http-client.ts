import type { ErrorBody } from "@tapedeck/protocol";
import { serialize, TapedeckError } from "./errors.js";

export interface HttpClientOptions {
  /** Without a slash at the end. */
  readonly addresses: readonly string[];
  readonly token: (() => Promise<string | undefined>) | undefined;
  readonly fetch: typeof fetch;
  /** Longest wait for an answer, in milliseconds. */
  readonly answerMs: number;
  readonly signal: AbortSignal | undefined;
}

export type Method = "GET" | "POST" | "DELETE";

/** JSON calls. An address that does not answer, or cannot serve at the moment, is left for the next one. */
export class HttpClient {
  readonly #options: HttpClientOptions;
  /** The one that served last. */
  #address = 0;

  constructor(options: HttpClientOptions) {
    this.#options = options;
  }

  /** Rejects with the cluster's refusal, `unreachable`, `bad_answer`, `bad_argument` or `closed`. The answer's type is the caller's to know. */
  async call<T>(method: Method, path: string, body?: object): Promise<T> {
    const { addresses, token } = this.#options;
    const bearer = await token?.();
    const request: RequestInit = {
      method,
      headers: {
        ...(body && { "content-type": "application/json" }),
        ...(bearer !== undefined && { authorization: `Bearer ${bearer}` }),
      },
      ...(body && { body: serialize("arguments", body) }),
    };
    for (let attempt = 1; ; attempt++) {
      const address = addresses[this.#address] ?? "";
      try {
        return await this.#ask(address, path, request);
      } catch (error) {
        const elsewhere =
          error instanceof TapedeckError && (error.code === "unreachable" || error.code === "UNAVAILABLE");
        if (!elsewhere) throw error;
        this.#address = (this.#address + 1) % addresses.length;
        if (attempt === addresses.length) throw error;
      }
    }
  }

  async #ask<T>(address: string, path: string, request: RequestInit): Promise<T> {
    const { status, retryAfter, text } = await this.#exchange(address, path, request);
    let json: T & Partial<ErrorBody>;
    try {
      json = JSON.parse(text);
    } catch (cause) {
      const what = `${address}${path} answered ${status} with something else than JSON.`;
      throw new TapedeckError("bad_answer", what, { cause });
    }
    if (status < 400) return json;
    const { code = "bad_answer", message = `${address}${path} answered ${status}.` } = json;
    throw new TapedeckError(code, message, { retryAfter });
  }

  async #exchange(address: string, path: string, request: RequestInit) {
    const { fetch: ask, signal, answerMs } = this.#options;
    const giveUp = new AbortController();
    const stop = () => giveUp.abort();
    const deadline = setTimeout(stop, answerMs);
    signal?.addEventListener("abort", stop);
    try {
      if (signal?.aborted) stop();
      const answer = await ask(`${address}${path}`, { ...request, signal: giveUp.signal });
      const wait = answer.headers.get("retry-after");
      const retryAfter = wait === null || Number.isNaN(Number(wait)) ? undefined : Number(wait);
      return { status: answer.status, retryAfter, text: await answer.text() };
    } catch (cause) {
      if (signal?.aborted) throw new TapedeckError("closed", "The deck was closed.", { cause });
      throw new TapedeckError("unreachable", `${address} does not answer.`, { cause });
    } finally {
      clearTimeout(deadline);
      signal?.removeEventListener("abort", stop);
    }
  }
}
