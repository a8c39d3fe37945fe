import { anonymous, type Principal, type VenueKey } from "@tapedeck/access";
import type { RefusalCode } from "@tapedeck/protocol";
import type { SessionRecord } from "@tapedeck/sessions";
import type { Venue } from "../context.js";
import { codeOf, isDenied, requestIdOf } from "../http/audit-refusal.js";
import { BinanceError, binanceErrorOf } from "../http/binance-error.js";
import type { VenueRequest } from "../http/request.js";
import type { Route } from "../http/route.js";
import { authenticate, knownKey } from "./authenticate.js";
import { signedRequest } from "./signature.js";

/** A request of which is known which session and whose key it is of. */
export interface KeyedRequest extends VenueRequest {
  readonly record: SessionRecord;
  readonly key: VenueKey;
}

/** What a request does to orders, as the audit trail names it. */
export type OrderAction = "place_order" | "cancel_order" | "cancel_orders" | "replace_order";

/** A route whose requests are known to be of a session's key. */
export type KeyedRoute = Omit<Route, "handle"> & {
  /** Of one that acts on orders. */
  readonly action?: OrderAction;
  handle(request: KeyedRequest, venue: Venue): unknown;
};

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
      return performed({ ...route, handle }, { ...request, record, key }, venue);
    },
  };
}

/**
 * The answer to a request of a key. One that acts on orders counts as commands of the user who made the key, and is a line of the audit trail. Rejects as
 * the route does, with `TOO_MANY_REQUESTS`, and with -1015.
 */
export async function performed(route: KeyedRoute, request: KeyedRequest, venue: Venue): Promise<unknown> {
  const { action } = route;
  if (action === undefined) return route.handle(request, venue);
  const { audit, rateLimiter } = venue.access;
  const { address, session, key } = request;
  const principal = principalOf(key, session);
  const requestId = requestIdOf(request.headers);
  const entry = { event: "order", action, principal, address, session, key: key.id, requestId } as const;
  const write = (result: "ok" | RefusalCode) => audit({ ...entry, result });
  try {
    for (let orders = route.orders?.(request) ?? 1; orders > 0; orders--)
      await rateLimiter.count("commands", principal, address);
    countOrders(route, request, venue);
    const answer = await route.handle(request, venue);
    write("ok");
    return answer;
  } catch (error) {
    // Denied access has a line of its own.
    if (!isDenied(binanceErrorOf(error))) write(codeOf(error));
    throw error;
  }
}

/** Whoever made the key: the holder of a share link, too. */
function principalOf({ createdBy: userId, share, session: createdAt }: VenueKey, sessionId: string): Principal {
  if (userId === "" && share === undefined) return anonymous;
  const { expiresMs = Number.POSITIVE_INFINITY } = share ?? {};
  return { userId, role: "controller", expiresMs, ...(share && { share: { id: share.id, sessionId, createdAt } }) };
}

/** Only orders of the session's own bots count. @throws BinanceError -1015 beyond the limit */
function countOrders({ orders }: Pick<Route, "orders">, request: VenueRequest, { orderCounts }: Venue): void {
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
