import { ClusterClient } from "./cluster-client.js";
import { type ConnectionTiming, defaultTiming } from "./connection/link-rules.js";
import type { WebSocketClass } from "./connection/web-socket.js";
import { badArgument } from "./errors.js";
import { HttpClient } from "./http-client.js";
import { requireObject } from "./options.js";

export interface TapedeckOptions {
  /** Where the cluster is: `https://deck.example.com`. With several, one that does not answer is left for the next. */
  readonly url: string | readonly string[];
  /** Where the gateways are, unless at `url`: `https://gateway-1.example.com`. */
  readonly gateways?: string | readonly string[];
  /** Sent with every request and on every connection. A function is asked each time, so that tokens stay fresh. */
  readonly token?: string | (() => string | Promise<string>);
  /** Closes every session here, and ends requests under way, when it aborts. */
  readonly signal?: AbortSignal;
  /** The platform's own unless named. Node has one from version 22 on; before, that of the package `ws` will do. */
  readonly WebSocket?: WebSocketClass;
  /** The platform's own unless named. */
  readonly fetch?: typeof fetch;
  /** In milliseconds, for networks that are not like others. */
  readonly timing?: Partial<ConnectionTiming>;
}

/**
 * A cluster to open sessions on. Does nothing yet: no request, no timer.
 *
 * ```ts
 * const session = await tapedeck({ url: "http://localhost:8000" }).open({ symbol: "BTCUSDT" });
 * session.onFrame((frame) => console.log(frame.timestamp, frame.mid_price));
 * await session.start();
 * ```
 *
 * Throws a `TapedeckError` where an address is none; nothing else of the SDK throws, it rejects.
 */
export function tapedeck(options: TapedeckOptions): ClusterClient {
  const addresses = addressesOf("url", requireObject("tapedeck", options).url);
  const sockets = addressesOf("gateways", options.gateways ?? options.url).map(
    (address) => `${address.replace(/^http/, "ws")}/ws`,
  );
  const { token, signal } = options;
  const askToken = token === undefined ? undefined : async () => (typeof token === "string" ? token : token());
  const timing = { ...defaultTiming, ...options.timing };
  return new ClusterClient({
    http: new HttpClient({
      addresses,
      token: askToken,
      signal,
      answerMs: timing.openMs,
      fetch: options.fetch ?? fetch,
    }),
    sockets,
    token: askToken,
    signal,
    WebSocket: options.WebSocket ?? globalThis.WebSocket,
    rules: {
      ...timing,
      addresses: sockets.length,
      freshTokens: typeof token === "function",
    },
  });
}

/** Throws `bad_argument` that names the option. */
function addressesOf(option: string, given: string | readonly string[]): string[] {
  const addresses = [given].flat();
  if (addresses.length === 0 || !addresses.every((address) => /^https?:\/\//.test(address) && URL.canParse(address))) {
    throw badArgument(option, "must be an address such as http://localhost:8000");
  }
  return addresses.map((address) => address.replace(/\/+$/, ""));
}
