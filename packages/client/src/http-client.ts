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

type Method = "GET" | "POST" | "PATCH" | "DELETE";

/** Of calls that send an order: how often each address is asked until one answers. */
const attemptsPerAddress = 3;
/** Before all addresses are asked again. */
const pauseMs = 500;

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
    return this.#call(method, path, body, this.#options.addresses.length, isUnavailable);
  }

  /**
   * The same for a change that must be neither lost nor made twice. Rejects with `interrupted` in place of `unreachable`, and of anything else that leaves
   * open whether it was made.
   *
   * @param repeats whether making the same call again changes no more than one call, and what to do before that
   */
  async change<T>(method: Method, path: string, body: object | undefined, repeats: boolean | (() => void)): Promise<T> {
    const attempts = repeats === false ? 1 : attemptsPerAddress * this.#options.addresses.length;
    const goesOn = (error: unknown) => {
      if (!isUnanswered(error)) return false;
      if (typeof repeats === "function") repeats();
      return true;
    };
    try {
      return await this.#call(method, path, body, attempts, goesOn);
    } catch (cause) {
      if (!isUnanswered(cause)) throw cause;
      const message = `${method} ${path} was not answered; it may have been carried out: ${cause.message}`;
      throw new TapedeckError("interrupted", message, { cause });
    }
  }

  async #call<T>(
    method: Method,
    path: string,
    body: object | undefined,
    attempts: number,
    goesOn: (error: unknown) => boolean,
  ): Promise<T> {
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
        if (!goesOn(error)) throw error;
        this.#address = (this.#address + 1) % addresses.length;
        if (attempt === attempts) throw error;
        if (attempt % addresses.length === 0) await this.#pause();
      }
    }
  }

  /** Ends sooner when the signal aborts. */
  #pause(): Promise<void> {
    const { signal } = this.#options;
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", end);
        resolve();
      };
      const timer = setTimeout(end, pauseMs);
      signal?.addEventListener("abort", end);
    });
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

function isUnavailable(error: unknown): error is TapedeckError {
  return error instanceof TapedeckError && (error.code === "unreachable" || error.code === "UNAVAILABLE");
}

/** Whether it is unknown what became of the request: a proxy's page and a fault of the cluster say nothing of that. */
function isUnanswered(error: unknown): error is TapedeckError {
  if (isUnavailable(error)) return true;
  return error instanceof TapedeckError && (error.code === "bad_answer" || error.code === "INTERNAL");
}

export function pathSegment(id: string): string {
  return serialize("id", id, encodeURIComponent);
}

export function queryOf(fields: object): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(fields)) if (value !== undefined) query.set(name, String(value));
  return query.size > 0 ? `?${query}` : "";
}
