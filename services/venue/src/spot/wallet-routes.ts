import type { KeyedRoute } from "../access/signed-route.js";
import { sum } from "../account/decimals.js";
import { OwnAccount } from "../account/own-account.js";
import { balances } from "./spot-routes.js";

/** What clients ask of the wallet when they start. Nothing can be deposited or withdrawn. */
export const walletRoutes: readonly KeyedRoute[] = [
  {
    method: "GET",
    path: "/sapi/v1/capital/config/getall",
    weight: 10,
    async handle({ session }, venue) {
      const account = await OwnAccount.open(session, "spot", venue);
      const { symbols } = account;
      const { base, quote, lockedBase, lockedQuote } = await balances(account);
      return [coin(symbols.baseAsset, base, lockedBase), coin(symbols.quoteAsset, quote, lockedQuote)];
    },
  },
  {
    method: "GET",
    path: "/sapi/v1/asset/tradeFee",
    async handle({ session }, venue) {
      const { symbols, settings } = await OwnAccount.open(session, "spot", venue);
      const { maker, taker } = settings.fees;
      return [{ symbol: symbols.symbol, makerCommission: maker, takerCommission: taker }];
    },
  },
];

function coin(name: string, total: string, locked: string) {
  return {
    coin: name,
    name,
    free: sum(total, `-${locked}`),
    locked,
    ...{ freeze: "0", ipoable: "0", ipoing: "0", storage: "0", withdrawing: "0" },
    ...{ depositAllEnable: false, withdrawAllEnable: false, isLegalMoney: false, trading: true },
    networkList: [],
  };
}
