import type { Venue } from "../context.js";
import { mostOrders, orderWindow } from "./order-counts.js";

/** The limits of this node, as `exchangeInfo` lists them. */
export function rateLimits({ weights }: Venue) {
  return [
    { rateLimitType: "REQUEST_WEIGHT", interval: "MINUTE", intervalNum: 1, limit: weights.limit },
    { rateLimitType: "ORDERS", interval: "SECOND", intervalNum: orderWindow, limit: mostOrders },
  ];
}

/** The same with what a client's address, and a session's bots, have used of them. */
export function usedRateLimits(
  venue: Venue,
  { address, session }: { readonly address: string; readonly session: string },
) {
  const [weight, orders] = [venue.weights.used(address), venue.orderCounts.placed(session)];
  return rateLimits(venue).map((limit) => ({
    ...limit,
    count: limit.rateLimitType === "ORDERS" ? orders : weight,
  }));
}
