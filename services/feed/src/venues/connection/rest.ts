import type { IncomingMessage } from "node:http";
import { request as plainRequest } from "node:http";
import { request as secureRequest } from "node:https";
import { agentFor } from "./proxies.js";

export interface RestResponse {
  readonly status: number;
  /** Seconds to stay away, where the venue says so. */
  readonly retryAfterS: number | undefined;
  readonly text: string;
}

const timeoutMs = 10_000;
/** A depth snapshot of 5,000 levels a side has 400 KB. */
const mostBytes = 16 << 20;

/** GET of a venue's REST, whatever its status. Rejects where there is no answer. */
export async function get(address: URL, signal: AbortSignal): Promise<RestResponse> {
  const request = address.protocol === "https:" ? secureRequest : plainRequest;
  const within = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    // Coinbase answers nobody who does not say what asks.
    request(address, { agent: agentFor(address), signal: within, headers: { "user-agent": "tapedeck" } }, resolve)
      .once("error", reject)
      .end();
  });
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response) {
    if (!Buffer.isBuffer(chunk)) continue;
    bytes += chunk.length;
    if (bytes > mostBytes) throw new Error(`the answer has more than ${mostBytes} bytes`);
    chunks.push(chunk);
  }
  const after = Number(response.headers["retry-after"]);
  return {
    status: response.statusCode ?? 0,
    retryAfterS: Number.isFinite(after) && after > 0 ? after : undefined,
    text: Buffer.concat(chunks).toString("utf8"),
  };
}
