import { type Refusal, refuse } from "../errors/errors.js";

/** The venues of LIVE mode, each with its default instrument. */
export const liveSources = {
  BINANCE: "BTCUSDT",
  "BINANCE-FUTURES": "BTCUSDT",
  BITMEX: "XBTUSD",
  BYBIT: "BTCUSDT",
  COINBASE: "BTC-USD",
  KRAKEN: "XBT/USD",
  OKX: "BTC-USDT",
  /** A built-in simulated market that behaves like a venue, without a network. */
  SIM: "BTCUSDT",
} as const;
export type LiveSource = keyof typeof liveSources;

/** What one feed records. */
interface Instrument {
  readonly source: LiveSource;
  readonly symbol: string;
}

const symbolPattern = /^[A-Z0-9][A-Z0-9/:._-]{0,39}$/;

/**
 * The requested instrument in upper case, by default BTCUSDT on BINANCE. Refuses unknown sources and texts that cannot be a symbol;
 * only the feed can find out whether its venue lists the symbol.
 */
export function liveInstrument(request: {
  source?: string | undefined;
  symbol?: string | undefined;
}): Instrument | Refusal {
  const source = (request.source ?? "BINANCE").toUpperCase();
  if (!isLiveSource(source)) {
    const known = Object.keys(liveSources).join(", ");
    return refuse("INVALID_VALUE", `source: must be one of ${known}. Nothing was changed.`);
  }
  const symbol = (request.symbol ?? liveSources[source]).toUpperCase();
  if (symbolPattern.test(symbol)) return { source, symbol };
  return refuse(
    "INVALID_VALUE",
    "symbol: must have 1 to 40 characters, letters, digits or any of / : . _ - and start with a letter or digit. Nothing was changed.",
  );
}

function isLiveSource(source: string): source is LiveSource {
  return Object.hasOwn(liveSources, source);
}
