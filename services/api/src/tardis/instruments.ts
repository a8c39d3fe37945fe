import type { InstrumentFilter, TapeView, TardisInstrument } from "@tapedeck/protocol";
import { openIfExists, pinnedTrackOf, type TrackDecimals } from "@tapedeck/tape";
import type { Api } from "../api.js";
import type { Caller } from "../auth/caller.js";
import { exchangeOf } from "./exchanges.js";
import { tapesOf } from "./find-markets.js";

/** Exchanges of which Tardis has perpetual contracts; of others it has spot markets, as far as tapes are concerned. */
const derivatives = new Set(["binance-futures", "bybit", "bitmex", "okex-swap", "hyperliquid"]);
/** Longest first, so that BTCUSDT is not one of USD. */
const quotes = ["FDUSD", "USDT", "USDC", "BUSD", "TUSD", "USD", "EUR", "GBP", "JPY", "TRY", "BTC", "XBT", "ETH", "BNB"];
/** Contracts that expire: BTCUSDT_230331, BTC-USD-230331, XBTU21. */
const dated = /(?:[-_]\d{6}|[FGHJKMNQUVXZ]\d\d)$/;

/** The instruments of an exchange that have tapes with events. */
export async function instrumentsOf(api: Api, caller: Caller, exchange: string): Promise<TardisInstrument[]> {
  const views = await tapesOf(api, caller, exchange);
  const tapes = await Promise.all(views.map((view) => tradedTape(api, view)));
  const markets = new Map<string, TradedTape[]>();
  for (const tape of tapes.flat()) {
    const symbol = tape.symbol.toUpperCase();
    markets.set(symbol, [...(markets.get(symbol) ?? []), tape]);
  }
  return [...markets.values()].flatMap((market) => instrumentOf(market) ?? []);
}

/** None if the tape was deleted meanwhile. */
async function tradedTape(api: Api, view: TapeView): Promise<TradedTape[]> {
  const tape = await openIfExists(view.id, api.tapes);
  return tape === undefined ? [] : [{ ...view, decimals: (await pinnedTrackOf(tape)).decimals }];
}

/** Whether an instrument is one of those that a filter names. */
export function fits(instrument: TardisInstrument, filter: InstrumentFilter = {}): boolean {
  const { baseCurrency, quoteCurrency, type, inverse } = instrument;
  const contractType = inverse === undefined ? "" : inverse ? "inverse_perpetual" : "linear_perpetual";
  const among = (wanted: readonly string[] | undefined, value: string) => wanted?.includes(value) ?? true;
  return (
    among(filter.baseCurrency, baseCurrency) &&
    among(filter.quoteCurrency, quoteCurrency) &&
    among(filter.type, type) &&
    among(filter.contractType, contractType) &&
    (filter.active ?? instrument.active) === instrument.active
  );
}

interface TradedTape extends Pick<TapeView, "symbol" | "source" | "from" | "to" | "growing"> {
  readonly decimals: TrackDecimals;
}

/**
 * A market as Tardis' API describes it, from all its tapes; undefined if its symbol does not tell the currencies, or if it is a contract that expires:
 * no tape says when.
 */
function instrumentOf(tapes: readonly TradedTape[]): TardisInstrument | undefined {
  const [first] = tapes;
  if (first === undefined) return undefined;
  const exchange = exchangeOf(first);
  const isContract = derivatives.has(exchange);
  const currencies = dated.test(first.symbol) ? undefined : currenciesOf(first.symbol, exchange);
  if (currencies === undefined) return undefined;
  const most = (decimals: (tape: TradedTape) => number): number => Math.max(...tapes.map(decimals));
  const amountIncrement = Number(`1e-${most(({ decimals }) => decimals.size)}`);
  return {
    id: first.symbol,
    exchange,
    ...currencies,
    type: isContract ? "perpetual" : "spot",
    active: tapes.some(({ growing }) => growing),
    availableSince: tapes.map(({ from }) => from).sort()[0] ?? first.from,
    availableTo:
      tapes
        .map(({ to }) => to)
        .sort()
        .at(-1) ?? first.to,
    priceIncrement: Number(`1e-${most(({ decimals }) => decimals.price)}`),
    amountIncrement,
    minTradeAmount: amountIncrement,
    ...{ makerFee: 0, takerFee: 0 },
    ...(isContract && { inverse: exchange === "bitmex" && currencies.quoteCurrency === "USD" }),
  };
}

function currenciesOf(
  symbol: string,
  exchange: string,
): Pick<TardisInstrument, "baseCurrency" | "quoteCurrency"> | undefined {
  const name = symbol.toUpperCase().replace(/[-_](?:SWAP|PERP)$/, "");
  const [first = "", second] = name.split(/[-/_]/);
  if (second !== undefined && second !== "") return pairOf(first, second);
  const quote = quotes.find((known) => name.endsWith(known) && name.length > known.length);
  if (quote !== undefined) return pairOf(name.slice(0, -quote.length), quote);
  return exchange === "hyperliquid" ? pairOf(name, "USDC") : undefined;
}

/** Kraken and BitMEX write XBT. */
function pairOf(base: string, quote: string) {
  const known = (currency: string) => (currency === "XBT" ? "BTC" : currency);
  return { baseCurrency: known(base), quoteCurrency: known(quote) };
}
