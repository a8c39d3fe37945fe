import { listenKeyRoutes } from "../access/listen-keys.js";
import type { KeyedRoute } from "../access/signed-route.js";
import { fixedSettingsRoutes } from "../futures/fixed-settings.js";
import { futuresAccountRoutes } from "../futures/futures-account-routes.js";
import { futuresOrderRoutes } from "../futures/futures-routes.js";
import { orderListRoutes } from "../spot/order-list-routes.js";
import { spotRoutes } from "../spot/spot-routes.js";
import { walletRoutes } from "../spot/wallet-routes.js";
import { marginRequests } from "./other-products.js";

/** Requests that have to be signed. */
export const signedRequests: readonly KeyedRoute[] = [
  ...spotRoutes,
  ...orderListRoutes,
  ...walletRoutes,
  ...futuresOrderRoutes,
  ...futuresAccountRoutes,
  ...fixedSettingsRoutes,
];

/** Requests for which a key is enough. */
export const keyedRequests: readonly KeyedRoute[] = [...listenKeyRoutes, ...marginRequests];
