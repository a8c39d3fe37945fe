import type { IncomingHttpHeaders } from "node:http";
import type { WebSocket } from "ws";
import type { Venue } from "../context.js";
import type { Target } from "../http/target.js";

/** A request for a WebSocket of a session's venue. */
export interface SocketRequest extends Target {
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  /** The client's. */
  readonly address: string;
}

/** One of Binance's kinds of WebSocket. */
export interface SocketRoute {
  /** @param path Binance's own, such as `/ws/btcusdt@depth` */
  matches(path: string): boolean;
  /** What has to be there before the request is accepted. Rejects as a route's `handle` does. */
  prepare(request: SocketRequest, venue: Venue): Promise<(socket: WebSocket) => void>;
}
