import type { ErrorBody } from "@tapedeck/protocol";
import { serialize, TapedeckError } from "./errors.js";

interface HttpClientOptions {
  /** Without a trailing slash. */
  readonly addresses: readonly string[];
  readonly token: (() => Promise<string | undefined>) | undefined;
  readonly fetch: typeof fetch;
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

type Method = "GET" | "POST" | "DELETE";

/** JSON calls. When an address does not answer or is unavailable, the call goes to the next one. */
export class HttpClient {
  readonly #options: HttpClientOptions;
  /** Index of the address that served last. */
  #address = 0;

  constructor(options: HttpClientOptions) {
    this.#options = options;
  }

  /** Rejects with the cluster's refusal, `unreachable`, `bad_answer`, `bad_argument` or `closed`. The caller knows the type of the answer. */
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
        return await this.#request(address, path, request);
      } catch (error) {
        const tryNext =
          error instanceof TapedeckError && (error.code === "unreachable" || error.code === "UNAVAILABLE");
        if (!tryNext) throw error;
        this.#address = (this.#address + 1) % addresses.length;
        if (attempt === addresses.length) throw error;
      }
    }
  }

  async #request<T>(address: string, path: string, request: RequestInit): Promise<T> {
    const { status, retryAfter, text } = await this.#fetch(address, path, request);
    let json: T & Partial<ErrorBody>;
    try {
      json = JSON.parse(text);
    } catch (cause) {
      throw new TapedeckError("bad_answer", `${address}${path} answered ${status} without JSON.`, { cause });
    }
    if (status < 400) return json;
    const { code = "bad_answer", message = `${address}${path} answered ${status}.` } = json;
    throw new TapedeckError(code, message, { retryAfter });
  }

  async #fetch(address: string, path: string, request: RequestInit) {
    const { fetch, signal, timeoutMs } = this.#options;
    const controller = new AbortController();
    const abort = () => controller.abort();
    const timer = setTimeout(abort, timeoutMs);
    signal?.addEventListener("abort", abort);
    try {
      if (signal?.aborted) abort();
      const response = await fetch(`${address}${path}`, { ...request, signal: controller.signal });
      const header = response.headers.get("retry-after");
      const retryAfter = header === null || Number.isNaN(Number(header)) ? undefined : Number(header);
      return { status: response.status, retryAfter, text: await response.text() };
    } catch (cause) {
      if (signal?.aborted) throw new TapedeckError("closed", "The client was closed.", { cause });
      throw new TapedeckError("unreachable", `${address} does not answer.`, { cause });
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
    }
  }
}
