import { TapedeckError } from "@tapedeck/client";
import { errorBody } from "@tapedeck/protocol";
import { printable } from "@tapedeck/runtime";
import { z } from "zod";
import { addressOf, type RemoteClusterOptions } from "../remote-cluster.js";

/** Values of a query; what is undefined is left out. */
export type Query = Readonly<Record<string, string | number | undefined>>;

export interface Call {
  readonly query?: Query;
  readonly body?: object;
  /** Aborts the call. */
  readonly signal: AbortSignal;
}

/** A search for an event may read minutes of a simulated market. Clients of MCP give up after a minute. */
const answerMs = 50_000;

/** A refusal of a newer release, whose code is unknown here. */
const withMessage = z.object({ message: z.string() });

/** Calls a cluster's HTTP routes. Every method rejects with a `TapedeckError`: a refusal of the cluster, `unreachable` or `bad_answer`. */
export class ClusterCalls {
  readonly #options: RemoteClusterOptions;

  constructor(options: RemoteClusterOptions) {
    this.#options = options;
  }

  /** A call whose answer is JSON. */
  async ask<T>(answer: z.ZodType<T>, method: string, path: string, call: Call): Promise<T> {
    const response = await this.#fetch(method, path, call);
    const text = await response.text().catch((cause: unknown) => Promise.reject(noAnswer(response.url, cause)));
    const read = answer.safeParse(jsonOf(text));
    if (read.success) return read.data;
    const what = z.prettifyError(read.error).replaceAll(/\s+/g, " ");
    throw new TapedeckError("bad_answer", `${method} ${path} answered what this version does not understand: ${what}.`);
  }

  /** The lines of an answer in NDJSON. Leaving the loop ends the call. */
  async *lines(path: string, call: Call): AsyncGenerator<string, void, undefined> {
    const { body, url } = await this.#fetch("GET", path, call);
    if (body === null) return;
    const decoder = new TextDecoder();
    let rest = "";
    try {
      for await (const chunk of body) {
        const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
        rest = lines.pop() ?? "";
        yield* lines;
      }
    } catch (cause) {
      throw noAnswer(url, cause);
    }
    if (rest !== "") yield rest;
  }

  async #fetch(method: string, path: string, { query = {}, body, signal }: Call): Promise<Response> {
    const { token } = this.#options;
    const at = await addressOf(this.#options);
    const url = `${at}${path}${queryText(query)}`;
    const response = await fetch(url, {
      method,
      headers: {
        ...(body !== undefined && { "content-type": "application/json" }),
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      signal: AbortSignal.any([signal, AbortSignal.timeout(answerMs)]),
    }).catch((cause: unknown) => Promise.reject(noAnswer(at, cause)));
    if (response.ok) return response;
    throw await refusalOf(response, `${method} ${path}`);
  }
}

function noAnswer(at: string, cause: unknown): TapedeckError {
  return new TapedeckError("unreachable", `${at} does not answer.`, { cause });
}

async function refusalOf(response: Response, request: string): Promise<TapedeckError> {
  const body = jsonOf(await response.text().catch(() => ""));
  const known = errorBody.safeParse(body);
  if (known.success) {
    const seconds = Number(response.headers.get("retry-after") ?? Number.NaN);
    const retryAfter = Number.isNaN(seconds) ? undefined : seconds;
    return new TapedeckError(known.data.code, printable(known.data.message), { retryAfter });
  }
  const { message = "" } = withMessage.safeParse(body).data ?? {};
  return new TapedeckError("bad_answer", printable(`${request} answered ${response.status}. ${message}`.trim()));
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // the schema refuses it
  }
}

function queryText(query: Query): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) search.set(name, String(value));
  return search.size > 0 ? `?${search}` : "";
}

/** A part of a path that a client has given. */
export function segment(text: string): string {
  return encodeURIComponent(text);
}
