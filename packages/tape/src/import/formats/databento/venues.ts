/** Venues with order books by Databento's publisher ids. Venues of consolidated datasets have other ids, and other books. */
const venues: Readonly<Record<number, string>> = {
  1: "CME",
  2: "NASDAQ",
  3: "NASDAQ-TEXAS",
  4: "NASDAQ-PSX",
  5: "CBOE-BZX",
  6: "CBOE-BYX",
  7: "CBOE-EDGA",
  8: "CBOE-EDGX",
  9: "NYSE",
  10: "NYSE-NATIONAL",
  11: "NYSE-AMERICAN",
  12: "NYSE-TEXAS",
  15: "MEMX",
  16: "MIAX-PEARL",
  38: "IEX",
  43: "NYSE-ARCA",
  57: "ICE-EUROPE",
  58: "ICE-ENDEX",
  97: "ICE-US",
  99: "ICE-EUROPE-FINANCIALS",
  101: "EUREX",
  102: "EEX",
  105: "CFE",
  107: "BLUE-OCEAN",
};

/** The source of a tape; `DATABENTO-41` for a publisher that is not in the table. */
export function venueOf(publisherId: number): string {
  return venues[publisherId] ?? `DATABENTO-${publisherId}`;
}
