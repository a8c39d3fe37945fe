import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";

/** Where the apis are at this moment: a process that restarts gets another address. */
interface ApiList {
  readonly apis: readonly { readonly ready: boolean; readonly url: string }[];
}

export interface ApiAnswer {
  readonly status: number;
  readonly body: unknown;
}

const againAfterMs = 100;
const longestMs = 60_000;

/** Requests to the apis that serve at the moment, each to the next one. */
export class ServingApis {
  readonly #cluster: ApiList;
  readonly #requestMs: number;
  #next: number;

  /** @param first the api that the first request goes to */
  constructor(cluster: ApiList, { first = 0, requestMs = 30_000 } = {}) {
    this.#cluster = cluster;
    this.#requestMs = requestMs;
    this.#next = first;
  }

  /** Rejects if no api serves, or the one that was asked dies or is silent for too long: then the request may have been carried out. */
  async call(method: string, path: string, body?: object): Promise<ApiAnswer> {
    const serving = this.#cluster.apis.filter(({ ready }) => ready);
    const api = serving[this.#next++ % Math.max(1, serving.length)];
    if (api === undefined) throw new Error("no api serves");
    const answer = await fetch(`${api.url}${path}`, {
      method,
      signal: AbortSignal.timeout(this.#requestMs),
      ...(body !== undefined && { headers: { "content-type": "application/json" }, body: JSON.stringify(body) }),
    });
    return { status: answer.status, body: await answer.json() };
  }

  /** Asks again until an api carries it out: for requests of which two are as good as one. */
  async insist<T>(schema: z.ZodType<T>, method: string, path: string, body?: object): Promise<T> {
    const deadline = performance.now() + longestMs;
    for (;;) {
      const answer = await this.call(method, path, body).catch((error: unknown) => ({ status: 0, body: `${error}` }));
      if (answer.status >= 200 && answer.status < 300) return schema.parse(answer.body);
      if (performance.now() > deadline || (answer.status >= 400 && answer.status < 429 && answer.status !== 409))
        throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
      await sleep(againAfterMs);
    }
  }
}

/** For answers that nobody reads. */
export const anyAnswer = z.unknown();
