import type { KeyedRoute } from "../access/signed-route.js";
import type { Route } from "../http/route.js";

// Requests that clients make at their start about products that the venue lacks: there is nothing to trade.

export const otherProductRoutes: readonly Route[] = [
  {
    method: "GET",
    path: "/dapi/v1/exchangeInfo",
    handle: (_, { now }) => ({
      timezone: "UTC",
      serverTime: Math.floor(now()),
      ...{ rateLimits: [], exchangeFilters: [], symbols: [] },
    }),
  },
];

export const marginRequests: readonly KeyedRoute[] = [
  { method: "GET", path: "/sapi/v1/margin/allPairs", handle: () => [] },
  { method: "GET", path: "/sapi/v1/margin/isolated/allPairs", handle: () => [] },
];
