/** OKX's markets, which Tardis has as an exchange for each kind of contract. */
const okex = (symbol: string): string =>
  symbol.endsWith("-SWAP") ? "okex-swap" : /-\d{6}$/.test(symbol) ? "okex-futures" : "okex";

/**
 * The exchange under which Tardis has a tape's market: `binance-futures` for the source `BINANCE-FUTURES`. Sources that Tardis does not know keep
 * their name in lower case.
 */
export function exchangeOf({ source, symbol }: { readonly source: string; readonly symbol: string }): string {
  return source.toUpperCase() === "OKX" ? okex(symbol.toUpperCase()) : source.toLowerCase();
}
