import type { Venue } from "../context.js";
import type { VenueRequest } from "./request.js";

/** One of Binance's requests. */
export interface Route {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  /** Such as `/api/v3/depth`. */
  readonly path: string;
  /** As Binance counts it; 1 by default. */
  readonly weight?: number | ((request: VenueRequest) => number);
  /** How many orders a request places; 0 by default. */
  readonly orders?: (request: VenueRequest) => number;
  /** The answer, which becomes JSON. Rejects with `BinanceError`, or with `RefusedError`, which is answered in the same form. */
  handle(request: VenueRequest, venue: Venue): unknown;
}

/** The routes of both markets, which answer alike: `GET /depth` is `/api/v3/depth` and `/fapi/v1/depth`. */
export function inBothMarkets(path: string, route: Omit<Route, "path" | "method">): readonly Route[] {
  return ["/api/v3", "/fapi/v1"].map((prefix) => ({ method: "GET", path: prefix + path, ...route }));
}
