import { keyedRoute, signedRoute } from "../access/signed-route.js";
import type { Route } from "../http/route.js";
import { exchangeInfoRoutes } from "./exchange-info.js";
import { futuresRoutes } from "./futures.js";
import { generalRoutes } from "./general.js";
import { keyedRequests, signedRequests } from "./keyed.js";
import { klineRoutes } from "./klines.js";
import { marketDataRoutes } from "./market-data.js";
import { otherProductRoutes } from "./other-products.js";
import { tickerRoutes } from "./tickers.js";

/** All requests that the venue answers. */
export const routes: readonly Route[] = [
  ...generalRoutes,
  ...exchangeInfoRoutes,
  ...marketDataRoutes,
  ...klineRoutes,
  ...tickerRoutes,
  ...futuresRoutes,
  ...otherProductRoutes,
  ...signedRequests.map(signedRoute),
  ...keyedRequests.map(keyedRoute),
];
