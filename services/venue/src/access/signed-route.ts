import type { VenueKey } from "@tapedeck/access";
import type { SessionRecord } from "@tapedeck/sessions";
import type { Venue } from "../context.js";
import { BinanceError } from "../http/binance-error.js";
import type { VenueRequest } from "../http/request.js";
import type { Route } from "../http/route.js";
import { authenticate, knownKey } from "./authenticate.js";
import { signedRequest } from "./signature.js";

/** A request of which is known which session and whose key it is of. */
export interface KeyedRequest extends VenueRequest {
  readonly record: SessionRecord;
  readonly key: VenueKey;
}

/** A route whose requests are known to be of a session's key. */
export type KeyedRoute = Omit<Route, "handle"> & { handle(request: KeyedRequest, venue: Venue): unknown };

/** A route that answers requests signed with one of the session's keys. */
export function signedRoute({ handle, ...route }: KeyedRoute): Route {
  return {
    ...route,
    async handle(request, venue) {
      const { record } = await sessionOf(request, venue);
      const { parameters } = request;
      const credentials = {
        ...signedRequest(request.rawQuery, request.rawBody),
        apiKey: apiKeyOf(request),
        timestamp: parameters.text("timestamp"),
        recvWindow: parameters.text("recvWindow"),
      };
      const key = await authenticate(venue.access.venueKeys, record, credentials, venue.now());
      countOrders(route, request, venue);
      return handle({ ...request, record, key }, venue);
    },
  };
}

/** Only orders of the session's own bots count. @throws BinanceError -1015 beyond the limit */
export function countOrders({ orders }: Pick<Route, "orders">, request: VenueRequest, { orderCounts }: Venue): void {
  if (orders !== undefined) orderCounts.count(request.session, orders(request));
}

/** A route for which the key is enough. */
export function keyedRoute({ handle, ...route }: KeyedRoute): Route {
  return {
    ...route,
    async handle(request, venue) {
      const { record } = await sessionOf(request, venue);
      const key = await knownKey(venue.access.venueKeys, record, apiKeyOf(request));
      return handle({ ...request, record, key }, venue);
    },
  };
}

/** A session that does not exist has no key: ids cannot be probed. */
async function sessionOf({ session }: VenueRequest, { store }: Venue) {
  const found = await store.read(session);
  if (found !== undefined) return found;
  throw new BinanceError("REJECTED_MBX_KEY", "Invalid API-key, IP, or permissions for action.", { status: 401 });
}

export function apiKeyOf({ headers }: Pick<VenueRequest, "headers">): string | undefined {
  const given = headers["x-mbx-apikey"];
  return typeof given === "string" ? given : undefined;
}
