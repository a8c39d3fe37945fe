import type { Tape, TrackDecimals } from "@tapedeck/tape";

/** How a tape's instrument is listed at the venue. */
export interface ListedSymbol {
  /** Such as BTCUSDT. */
  readonly symbol: string;
  readonly base: string;
  readonly quote: string;
  /** As decimals: prices are multiples of the tick, quantities of the lot. */
  readonly tick: string;
  readonly lot: string;
  readonly priceDecimals: number;
  readonly quantityDecimals: number;
}

/** The longest first, where one ends with another. */
const quotes = [
  "FDUSD",
  "USDT",
  "USDC",
  "BUSD",
  "TUSD",
  "USDP",
  "USD",
  "EUR",
  "GBP",
  "JPY",
  "TRY",
  "BTC",
  "ETH",
  "BNB",
];

/** The listing of a tape's instrument. Names that do not say their quote currency are traded for USD. */
export function listedSymbol(tape: Pick<Tape, "symbol" | "source">, decimals: TrackDecimals): ListedSymbol {
  const name = tape.symbol.toUpperCase();
  const symbol = name.replace(/[^A-Z0-9]/g, "");
  const { base, quote } = currencies(name, symbol);
  return {
    ...{ symbol, base, quote, priceDecimals: decimals.price, quantityDecimals: decimals.size },
    tick: lastDecimal(decimals.price),
    lot: lastDecimal(decimals.size),
  };
}

function currencies(name: string, symbol: string): { readonly base: string; readonly quote: string } {
  const [base = "", quote = ""] = name.split(/[-_/:]/);
  if (/^[A-Z0-9]+$/.test(base) && quotes.includes(quote)) return { base, quote };
  const end = quotes.find((each) => symbol.length > each.length && symbol.endsWith(each));
  return end === undefined ? { base: symbol, quote: "USD" } : { base: symbol.slice(0, -end.length), quote: end };
}

/** `0.01` for two decimals. */
function lastDecimal(decimals: number): string {
  return decimals === 0 ? "1" : `0.${"1".padStart(decimals, "0")}`;
}
