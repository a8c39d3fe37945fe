import { inBothMarkets, type Route } from "../http/route.js";

/** What clients ask before anything else. */
export const generalRoutes: readonly Route[] = [
  ...inBothMarkets("/ping", { handle: () => ({}) }),
  // Wall time, since bots compare it with their own clock.
  ...inBothMarkets("/time", { handle: (_, { now }) => ({ serverTime: Math.floor(now()) }) }),
];
