import { compared, isZero, product, sum, withDecimals } from "../account/decimals.js";
import type { FuturesBalances, Symbols } from "../account/own.js";
import { text } from "./futures-forms.js";

const money = (decimal: string) => withDecimals(decimal, 8);

function totals(account: FuturesBalances) {
  const margin = sum(account.wallet, account.unrealizedPnl);
  const initial = sum(account.positionMargin, account.orderMargin);
  const available = sum(margin, `-${initial}`);
  return { margin, initial, available: compared(available, "0") < 0 ? "0" : available };
}

/** What both views of the quote currency say. */
function crossMargin(account: FuturesBalances, updatedMs: number) {
  const available = money(totals(account).available);
  return {
    crossWalletBalance: money(account.wallet),
    crossUnPnl: money(account.unrealizedPnl),
    availableBalance: available,
    maxWithdrawAmount: available,
    marginAvailable: true,
    updateTime: updatedMs,
  };
}

function assetView({ quoteAsset }: Symbols, account: FuturesBalances, updatedMs: number) {
  const { margin, initial } = totals(account);
  return {
    asset: quoteAsset,
    walletBalance: money(account.wallet),
    unrealizedProfit: money(account.unrealizedPnl),
    marginBalance: money(margin),
    maintMargin: money(account.maintenanceMargin),
    initialMargin: money(initial),
    positionInitialMargin: money(account.positionMargin),
    openOrderInitialMargin: money(account.orderMargin),
    ...crossMargin(account, updatedMs),
  };
}

function positionInAccount({ symbol }: Symbols, account: FuturesBalances, updatedMs: number) {
  return {
    symbol,
    initialMargin: money(sum(account.positionMargin, account.orderMargin)),
    maintMargin: money(account.maintenanceMargin),
    unrealizedProfit: money(account.unrealizedPnl),
    positionInitialMargin: money(account.positionMargin),
    openOrderInitialMargin: money(account.orderMargin),
    leverage: `${account.leverage}`,
    isolated: false,
    entryPrice: text(account.entryPrice),
    breakEvenPrice: text(account.entryPrice),
    maxNotional: "1000000000",
    positionSide: "BOTH",
    positionAmt: text(account.position),
    notional: text(notional(account)),
    isolatedWallet: "0",
    isolatedMargin: "0",
    bidNotional: "0",
    askNotional: "0",
    updateTime: updatedMs,
  };
}

/** `/fapi/v2/account` has the positions of all symbols, `/fapi/v3/account` only those that are open. */
export function accountView(symbols: Symbols, account: FuturesBalances, updatedMs: number, version: 2 | 3) {
  const { margin, initial, available } = totals(account);
  const hasPosition = !isZero(account.position);
  return {
    feeTier: 0,
    feeBurn: false,
    canTrade: true,
    canDeposit: false,
    canWithdraw: false,
    updateTime: 0,
    multiAssetsMargin: false,
    tradeGroupId: -1,
    totalInitialMargin: money(initial),
    totalMaintMargin: money(account.maintenanceMargin),
    totalWalletBalance: money(account.wallet),
    totalUnrealizedProfit: money(account.unrealizedPnl),
    totalMarginBalance: money(margin),
    totalPositionInitialMargin: money(account.positionMargin),
    totalOpenOrderInitialMargin: money(account.orderMargin),
    totalCrossWalletBalance: money(account.wallet),
    totalCrossUnPnl: money(account.unrealizedPnl),
    availableBalance: money(available),
    maxWithdrawAmount: money(available),
    assets: [assetView(symbols, account, updatedMs)],
    positions: version === 2 || hasPosition ? [positionInAccount(symbols, account, updatedMs)] : [],
  };
}

export function balanceView({ quoteAsset }: Symbols, account: FuturesBalances, updatedMs: number) {
  return {
    accountAlias: "Tapedeck",
    asset: quoteAsset,
    balance: money(account.wallet),
    ...crossMargin(account, updatedMs),
  };
}

/** `/fapi/v2/positionRisk` names every symbol, `/fapi/v3/positionRisk` only open positions. */
export function positionRiskView(
  { symbol, quoteAsset }: Symbols,
  account: FuturesBalances,
  updatedMs: number,
  version: 2 | 3,
) {
  const common = {
    symbol,
    positionAmt: text(account.position),
    entryPrice: text(account.entryPrice),
    breakEvenPrice: text(account.entryPrice),
    markPrice: text(account.markPrice),
    unRealizedProfit: money(account.unrealizedPnl),
    liquidationPrice: text(account.liquidationPrice),
    isolatedMargin: "0.00000000",
    notional: text(notional(account)),
    positionSide: "BOTH",
    isolatedWallet: "0",
    updateTime: updatedMs,
  };
  if (version === 2) {
    const leverage = `${account.leverage}`;
    return {
      ...common,
      ...{ leverage, maxNotionalValue: "1000000000", marginType: "cross", isAutoAddMargin: "false", isolated: false },
      adlQuantile: 0,
    };
  }
  return {
    ...common,
    marginAsset: quoteAsset,
    initialMargin: money(sum(account.positionMargin, account.orderMargin)),
    maintMargin: money(account.maintenanceMargin),
    positionInitialMargin: money(account.positionMargin),
    openOrderInitialMargin: money(account.orderMargin),
    adl: 0,
    bidNotional: "0",
    askNotional: "0",
  };
}

/** What the user stream says of the account. */
export function accountUpdate(
  { symbol, quoteAsset }: Symbols,
  account: FuturesBalances,
  reason: "ORDER" | "FUNDING_FEE" | "ADJUSTMENT",
  eventMs: number,
) {
  return {
    e: "ACCOUNT_UPDATE",
    E: eventMs,
    T: eventMs,
    a: {
      m: reason,
      B: [{ a: quoteAsset, wb: money(account.wallet), cw: money(account.wallet), bc: "0" }],
      P: [
        {
          s: symbol,
          pa: text(account.position),
          ep: text(account.entryPrice),
          bep: text(account.entryPrice),
          cr: "0",
          up: money(account.unrealizedPnl),
          mt: "cross",
          iw: "0",
          ps: "BOTH",
        },
      ],
    },
  };
}

function notional({ position, markPrice, entryPrice }: FuturesBalances): string {
  return product(position, isZero(markPrice) ? entryPrice : markPrice);
}
