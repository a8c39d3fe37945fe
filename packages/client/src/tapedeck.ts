import { ClusterClient } from "./cluster-client.js";
import type { WebSocketClass } from "./connection/connection.js";
import { type ConnectionTiming, defaultTiming } from "./connection/connection-machine.js";
import { badArgument } from "./errors.js";
import { HttpClient } from "./http-client.js";
import { requireObject } from "./options.js";

export interface TapedeckOptions {
  /** Address of the cluster: `https://deck.example.com`. With several, a call goes to the next one when an address does not answer. */
  readonly url: string | readonly string[];
  /** Addresses of the gateways, if they differ from `url`: `https://gateway-1.example.com`. */
  readonly gateways?: string | readonly string[];
  /** Sent with every request and on every connection. A function is called each time, so that tokens stay fresh. */
  readonly token?: string | (() => string | Promise<string>);
  /** When it aborts, it closes every session of this client and cancels pending requests. */
  readonly signal?: AbortSignal;
  /** The platform's own by default. Node has one from version 22; before that, pass the one from the package `ws`. */
  readonly WebSocket?: WebSocketClass;
  /** The platform's own by default. */
  readonly fetch?: typeof fetch;
  /** Timeouts and backoff in milliseconds, for unusual networks. */
  readonly timing?: Partial<ConnectionTiming>;
}

/**
 * A client of one cluster. It sends no request and starts no timer until it is used.
 *
 * ```ts
 * const session = await tapedeck({ url: "http://localhost:8000" }).open({ symbol: "BTCUSDT" });
 * session.onFrame((frame) => console.log(frame.timestamp, frame.mid_price));
 * await session.start();
 * ```
 *
 * Throws a `TapedeckError` when an address is invalid. All other methods of the SDK reject instead of throwing.
 */
export function tapedeck(options: TapedeckOptions): ClusterClient {
  const addresses = parseAddresses("url", requireObject("tapedeck", options).url);
  const sockets = parseAddresses("gateways", options.gateways ?? options.url).map(
    (address) => `${address.replace(/^http/, "ws")}/ws`,
  );
  const { token, signal } = options;
  const getToken = token === undefined ? undefined : async () => (typeof token === "string" ? token : token());
  const timing = { ...defaultTiming, ...options.timing };
  return new ClusterClient({
    http: new HttpClient({
      addresses,
      token: getToken,
      signal,
      timeoutMs: timing.openMs,
      fetch: options.fetch ?? fetch,
    }),
    sockets,
    token: getToken,
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
function parseAddresses(option: string, given: string | readonly string[]): string[] {
  const addresses = [given].flat();
  if (addresses.length === 0 || !addresses.every((address) => /^https?:\/\//.test(address) && URL.canParse(address))) {
    throw badArgument(option, "must be an address such as http://localhost:8000");
  }
  return addresses.map((address) => address.replace(/\/+$/, ""));
}
