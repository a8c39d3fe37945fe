import type { Venue } from "../context.js";
import type { VenueRequest } from "../http/request.js";
import type { Route } from "../http/route.js";
import type { PlayedEpoch } from "../player/played-epoch.js";
import { nextFunding } from "../streams/ticker-streams.js";
import { checkSymbol, marketOf, symbolMarketOf } from "./symbol.js";

/** What clients of futures ask for although a tape has no mark price and no funding. */
export const futuresRoutes: readonly Route[] = [
  {
    method: "GET",
    path: "/fapi/v1/premiumIndex",
    async handle(request: VenueRequest, venue: Venue) {
      const { epoch } = await marketOf(request, venue);
      const symbol = request.parameters.text("symbol");
      if (symbol === undefined) return [premiumIndex(epoch)];
      checkSymbol(symbol, epoch);
      return premiumIndex(epoch);
    },
  },
  { method: "GET", path: "/fapi/v1/fundingRate", handle: async () => [] },
  { method: "GET", path: "/fapi/v1/fundingInfo", handle: async () => [] },
  {
    method: "GET",
    path: "/fapi/v1/openInterest",
    async handle(request: VenueRequest, venue: Venue) {
      const { epoch } = await symbolMarketOf(request, venue);
      return { symbol: epoch.symbol.symbol, openInterest: "0", time: epoch.time };
    },
  },
];

/** The middle of the best prices stands for mark and index. */
function premiumIndex({ symbol, book, time }: PlayedEpoch) {
  const price = book.middle;
  return {
    ...{ symbol: symbol.symbol, markPrice: price, indexPrice: price, estimatedSettlePrice: price },
    ...{ lastFundingRate: "0.00000000", interestRate: "0.00000000", nextFundingTime: nextFunding(time), time },
  };
}
