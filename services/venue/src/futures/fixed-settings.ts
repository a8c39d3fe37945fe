import type { KeyedRoute } from "../access/signed-route.js";
import { BinanceError } from "../http/binance-error.js";

// Settings of a futures account that are always the same here: one position a symbol, cross margin in one asset. Clients read them at
// their start, and set them to what they already are.

export const fixedSettingsRoutes: readonly KeyedRoute[] = [
  {
    method: "GET",
    path: "/fapi/v1/positionSide/dual",
    weight: 30,
    handle: () => ({ dualSidePosition: false }),
  },
  {
    method: "POST",
    path: "/fapi/v1/positionSide/dual",
    handle: ({ parameters }) => unchanged(parameters.required("dualSidePosition"), "false", -4059, "position side"),
  },
  {
    method: "GET",
    path: "/fapi/v1/multiAssetsMargin",
    weight: 30,
    handle: () => ({ multiAssetsMargin: false }),
  },
  {
    method: "POST",
    path: "/fapi/v1/multiAssetsMargin",
    handle: ({ parameters }) =>
      unchanged(parameters.required("multiAssetsMargin"), "false", -4171, "multi-assets mode"),
  },
  {
    method: "POST",
    path: "/fapi/v1/marginType",
    handle: ({ parameters }) => unchanged(parameters.required("marginType"), "CROSSED", -4046, "margin type"),
  },
  {
    method: "GET",
    path: "/fapi/v1/apiTradingStatus",
    handle: () => ({ indicators: {}, updateTime: 0 }),
  },
  { method: "GET", path: "/fapi/v1/feeBurn", weight: 30, handle: () => ({ feeBurn: false }) },
];

/** Binance, too, answers a change to what already is with an error that clients know. */
function unchanged(given: string, only: string, code: number, what: string): never {
  if (given.toUpperCase() === only.toUpperCase()) throw new BinanceError(code, `No need to change ${what}.`);
  throw new BinanceError("INVALID_PARAMETER", `The ${what} ${given} is not supported by Tapedeck's venue.`);
}
