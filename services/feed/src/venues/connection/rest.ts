import type { IncomingMessage } from "node:http";
import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { agentFor } from "./proxy-agent.js";

export interface RestResponse {
  readonly status: number;
  /** The venue's `Retry-After`, in seconds. */
  readonly retryAfterS: number | undefined;
  readonly text: string;
}

const timeoutMs = 10_000;
/** A depth snapshot of 5,000 levels a side has 400 KB. */
const maxBytes = 16 << 20;

/** GET from a venue's REST API, whatever the status. Rejects if there is no response within ten seconds. */
export async function get(address: URL, signal: AbortSignal): Promise<RestResponse> {
  const request = address.protocol === "https:" ? httpsRequest : httpRequest;
  const within = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    // Coinbase refuses requests without a user agent.
    request(address, { agent: agentFor(address), signal: within, headers: { "user-agent": "tapedeck" } }, resolve)
      .once("error", reject)
      .end();
  });
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response) {
    if (!Buffer.isBuffer(chunk)) continue;
    bytes += chunk.length;
    if (bytes > maxBytes) throw new Error(`the response has more than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  const after = Number(response.headers["retry-after"]);
  return {
    status: response.statusCode ?? 0,
    retryAfterS: Number.isFinite(after) && after > 0 ? after : undefined,
    text: Buffer.concat(chunks).toString("utf8"),
  };
}

/** Where a venue's REST API lists its instruments, and how to read that list. */
export interface SymbolList {
  /** Each with its query; requested one after the other. */
  readonly paths: readonly string[];
  /** The symbols of one response, as users write them, and the path of the next page if there is one. */
  read(answer: unknown): { readonly symbols: readonly string[]; readonly next?: string };
}

/** Guards against a venue whose pages never end. */
const maxPages = 50;

/** All symbols that a venue lists, in capitals. Rejects without a response, or without a usable list in it. */
export async function fetchSymbols({ paths, read }: SymbolList, rest: URL, signal: AbortSignal): Promise<string[]> {
  const symbols = new Set<string>();
  const remaining = [...paths];
  for (let pages = 0; pages < maxPages; pages++) {
    const path = remaining.shift();
    if (path === undefined) break;
    const { status, text } = await get(new URL(path, rest), signal);
    if (status !== 200) throw new Error(`${path} responded with status ${status}`);
    const page = read(JSON.parse(text));
    for (const symbol of page.symbols) symbols.add(symbol.toUpperCase());
    if (page.next !== undefined) remaining.unshift(page.next);
  }
  if (remaining.length > 0) throw new Error(`the list has more than ${maxPages} pages`);
  if (symbols.size === 0) throw new Error("the list is empty");
  return [...symbols];
}
