import type { TapePosition } from "@tapedeck/tape";
import type { KeyedRoute } from "../access/signed-route.js";
import type { FuturesBalances } from "../account/own.js";
import type { OwnAccount } from "../account/own-account.js";
import { futuresBalances } from "../account/session-trading.js";
import { BinanceError } from "../http/binance-error.js";
import { accountView, balanceView, positionRiskView } from "./futures-account-forms.js";
import { withAccount, withSymbol } from "./futures-routes.js";

/** Of a symbol with one bracket: its notional has no bound. */
const notionalCap = 1_000_000_000;

/** What needs a signature on the futures market, about the account. */
export const futuresAccountRoutes: readonly KeyedRoute[] = [
  ...([2, 3] as const).flatMap((version): KeyedRoute[] => [
    {
      method: "GET",
      path: `/fapi/v${version}/account`,
      weight: 5,
      handle: withAccount(async (account) =>
        accountView(account.symbols, await futuresBalancesOf(account), account.time, version),
      ),
    },
    {
      method: "GET",
      path: `/fapi/v${version}/balance`,
      weight: 5,
      handle: withAccount(async (account) => [
        balanceView(account.symbols, await futuresBalancesOf(account), account.time),
      ]),
    },
    {
      method: "GET",
      path: `/fapi/v${version}/positionRisk`,
      weight: 5,
      handle: withAccount(async (account, parameters) => {
        const symbol = parameters.text("symbol");
        if (symbol !== undefined) account.checkSymbol(symbol);
        const balances = await futuresBalancesOf(account);
        // Version 3 lists open positions only, unless it is asked for one.
        if (version === 3 && symbol === undefined && balances.position === "0") return [];
        return [positionRiskView(account.symbols, balances, account.time, version)];
      }),
    },
  ]),
  {
    method: "POST",
    path: "/fapi/v1/leverage",
    handle: withSymbol((account, parameters) =>
      setLeverage(account, parameters.integer("leverage", { min: 1, max: 125 })),
    ),
  },
  {
    method: "GET",
    path: "/fapi/v1/leverageBracket",
    handle: withAccount(async (account, parameters) => {
      const bracket = bracketOf(account);
      return parameters.text("symbol") === undefined ? [bracket] : bracket;
    }),
  },
  {
    method: "GET",
    path: "/fapi/v1/commissionRate",
    weight: 20,
    handle: withSymbol(async ({ symbols: { symbol }, settings: { fees } }) => ({
      symbol,
      makerCommissionRate: fees.maker,
      takerCommissionRate: fees.taker,
    })),
  },
  {
    method: "GET",
    path: "/fapi/v1/symbolConfig",
    weight: 5,
    handle: withAccount(async (account) => {
      const { leverage } = await futuresBalancesOf(account);
      const fixed = { marginType: "CROSSED", isAutoAddMargin: false, maxNotionalValue: `${notionalCap}` };
      return [{ symbol: account.symbols.symbol, ...fixed, leverage }];
    }),
  },
  {
    method: "GET",
    path: "/fapi/v1/accountConfig",
    weight: 5,
    handle: withAccount(async () => ({
      ...{ feeTier: 0, canTrade: true, canDeposit: false, canWithdraw: false },
      ...{ dualSidePosition: false, updateTime: 0, multiAssetsMargin: false, tradeGroupId: -1 },
    })),
  },
  { method: "GET", path: "/fapi/v1/income", weight: 30, handle: () => [] },
  { method: "GET", path: "/fapi/v1/rateLimit/order", handle: () => [] },
];

/** @param place that the playhead has passed; absent: where it is */
export async function futuresBalancesOf(account: OwnAccount, place?: TapePosition): Promise<FuturesBalances> {
  const { account: found, open } = await account.balance(place);
  if (found.kind !== "futures") throw new BinanceError("UNKNOWN", "The session has a spot account.");
  return futuresBalances(found, open, maintenanceRateOf(account));
}

function maintenanceRateOf({ settings: { account } }: OwnAccount): string {
  return account.kind === "futures" ? account.maintenance_rate : "0";
}

function bracketOf(account: OwnAccount) {
  const initialLeverage = 125;
  const maintMarginRatio = Number(maintenanceRateOf(account));
  const limits = { notionalCap, notionalFloor: 0, maintMarginRatio, cum: 0 };
  return { symbol: account.symbols.symbol, brackets: [{ bracket: 1, initialLeverage, ...limits }] };
}

/** The leverage is one of the settings with which orders begin. */
async function setLeverage(account: OwnAccount, leverage: number | undefined) {
  if (leverage === undefined)
    throw new BinanceError(
      "MANDATORY_PARAM_EMPTY_OR_MALFORMED",
      "Mandatory parameter 'leverage' was not sent, was empty/null, or malformed.",
    );
  const { settings } = account;
  if (settings.account.kind === "futures" && settings.account.leverage !== leverage)
    await account.choose({ ...settings.account, leverage });
  return { leverage, maxNotionalValue: `${notionalCap}`, symbol: account.symbols.symbol };
}
