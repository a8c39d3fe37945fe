import { type Refusal, refuse } from "../errors/errors.js";

/** The venues that LIVE can be asked for, each with the instrument that it shows where none is named. */
export const liveSources = {
  BINANCE: "BTCUSDT",
  "BINANCE-FUTURES": "BTCUSDT",
  BITMEX: "XBTUSD",
  BYBIT: "BTCUSDT",
  COINBASE: "BTC-USD",
  KRAKEN: "XBT/USD",
  OKX: "BTC-USDT",
  /** A simulated market that runs as venues do, with no network. */
  SIM: "BTCUSDT",
} as const;
export type LiveSource = keyof typeof liveSources;

/** What one feed brings to the cluster. */
export interface Instrument {
  readonly source: LiveSource;
  readonly symbol: string;
}

const symbolPattern = /^[A-Z0-9][A-Z0-9/:._-]{0,39}$/;

/**
 * The instrument that a wish means, in capitals: BTCUSDT on BINANCE where nothing is named. Refuses a source that there is not and
 * what cannot be a symbol; whether a venue knows the symbol is for its feed to find out.
 */
export function liveInstrument(wish: {
  source?: string | undefined;
  symbol?: string | undefined;
}): Instrument | Refusal {
  const source = (wish.source ?? "BINANCE").toUpperCase();
  if (!isLiveSource(source)) {
    const known = Object.keys(liveSources).join(", ");
    return refuse(
      "INVALID_VALUE",
      `source: there is no ${wish.source}; live sources are ${known}. Nothing was changed.`,
    );
  }
  const symbol = (wish.symbol ?? liveSources[source]).toUpperCase();
  if (symbolPattern.test(symbol)) return { source, symbol };
  return refuse(
    "INVALID_VALUE",
    "symbol: must have 1 to 40 letters, digits and any of / : . _ - and begin with a letter or digit. Nothing was changed.",
  );
}

function isLiveSource(source: string): source is LiveSource {
  return Object.hasOwn(liveSources, source);
}
