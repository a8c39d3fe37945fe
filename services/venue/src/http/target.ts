/** Binance has one host for each market; here paths that both have differ by the exchange's name. */
export type Market = "spot" | "usdm";

/** What a request is for: a session's venue, and Binance's own path there. */
export interface Target {
  readonly session: string;
  /** The venue key behind the session's id, `SESSION~KEY`, for what has no header: sockets, and market data. */
  readonly apiKey?: string;
  /** The market of paths that both have, such as `/ws`. */
  readonly market: Market;
  /** Such as `/api/v3/depth`; `/` of the address itself. */
  readonly path: string;
}

const marketOfExchange: Readonly<Record<string, Market>> = { binance: "spot", "binance-usdm": "usdm" };
const pattern = /^\/venue\/([a-z-]{1,20})\/([^/]{1,300})(\/.*)?$/;

/** Undefined if the path is of no venue. @param path without the query */
export function targetOf(path: string): Target | undefined {
  const [, exchange = "", session = "", rest = "/"] = pattern.exec(path) ?? [];
  const market = marketOfExchange[exchange];
  if (market === undefined) return undefined;
  const [id = "", apiKey] = decoded(session).split("~");
  return { session: id, ...(apiKey !== undefined && { apiKey }), market: marketOfPath(rest) ?? market, path: rest };
}

/** The market of a path that only one of them has. */
function marketOfPath(path: string): Market | undefined {
  if (/^\/(fapi|public|market|private|ws-fapi)\//.test(path)) return "usdm";
  return /^\/(api|sapi|ws-api)\//.test(path) ? "spot" : undefined;
}

/** A part of a path. One that is not encoded properly is what it is: no session and no stream has such a name. */
export function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
