import { inBothMarkets, type Route } from "../http/route.js";
import { marketOf } from "./symbol.js";

/** What clients ask before anything else. */
export const generalRoutes: readonly Route[] = [
  // Binance has no such path: it is for a person who opens the address that a bot is to be given.
  {
    method: "GET",
    path: "/",
    async handle(request, venue) {
      const { epoch } = await marketOf(request, venue);
      return { session: request.session, market: request.market, symbol: epoch.symbol.symbol, paths: "docs/venue.md" };
    },
  },
  ...inBothMarkets("/ping", { handle: () => ({}) }),
  // Wall time, since bots compare it with their own clock.
  ...inBothMarkets("/time", { handle: (_, { now }) => ({ serverTime: Math.floor(now()) }) }),
];
