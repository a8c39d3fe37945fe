import type { KeyedRoute } from "../access/signed-route.js";
import { sum } from "../account/decimals.js";
import { OwnAccount } from "../account/own-account.js";

/** What clients of both markets ask of the wallet when they start. Nothing can be deposited or withdrawn. */
export const walletRoutes: readonly KeyedRoute[] = [
  {
    method: "GET",
    path: "/sapi/v1/capital/config/getall",
    weight: 10,
    async handle({ session }, venue) {
      const account = await OwnAccount.ofSession(session, venue);
      const { baseAsset, quoteAsset } = account.symbols;
      const { account: found } = await account.balance();
      if (found.kind === "futures") return [coin(baseAsset, "0", "0"), coin(quoteAsset, "0", "0")];
      return [coin(baseAsset, found.base, found.locked_base), coin(quoteAsset, found.quote, found.locked_quote)];
    },
  },
  {
    method: "GET",
    path: "/sapi/v1/asset/tradeFee",
    async handle({ session }, venue) {
      const { symbols, settings } = await OwnAccount.ofSession(session, venue);
      const { maker, taker } = settings.fees;
      return [{ symbol: symbols.symbol, makerCommission: maker, takerCommission: taker }];
    },
  },
];

/** What is in the spot wallet: of a futures account, nothing. */
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
