import type { RecordingFile } from "../input/recording-file.js";

/** Venues that cryptofeed records: its own ids for them and the hosts in their dumps. */
const venues: readonly { name: string; ids: readonly string[]; hosts: RegExp; read?: true }[] = [
  { name: "Binance US", ids: ["BINANCE_US"], hosts: /\bbinance\.us$/, read: true },
  { name: "Binance Delivery", ids: ["BINANCE_DELIVERY"], hosts: /^d(stream|api)\.binance\.com$/, read: true },
  { name: "Binance", ids: ["BINANCE", "BINANCE_FUTURES", "BINANCE_TR"], hosts: /\bbinance\.(com|vision)$/, read: true },
  { name: "Coinbase", ids: ["COINBASE"], hosts: /\bcoinbase\.com$/, read: true },
  { name: "BitMEX", ids: ["BITMEX"], hosts: /\bbitmex\.com$/, read: true },
  { name: "AscendEX", ids: ["ASCENDEX", "ASCENDEX_FUTURES"], hosts: /\bascendex\.com$/ },
  { name: "Bequant", ids: ["BEQUANT"], hosts: /\bbequant\.io$/ },
  { name: "Bit.com", ids: ["BITDOTCOM"], hosts: /\bbit\.com$/ },
  { name: "Bitfinex", ids: ["BITFINEX"], hosts: /\bbitfinex\.com$/ },
  { name: "bitFlyer", ids: ["BITFLYER"], hosts: /\bbitflyer\.com$/ },
  { name: "Bithumb", ids: ["BITHUMB"], hosts: /\bbithumb\.com$/ },
  { name: "Bitstamp", ids: ["BITSTAMP"], hosts: /\bbitstamp\.net$/ },
  { name: "Blockchain.com", ids: ["BLOCKCHAIN"], hosts: /\bblockchain\.(com|info)$/ },
  { name: "Bybit", ids: ["BYBIT"], hosts: /\b(bybit|bytick)\.com$/ },
  { name: "Crypto.com", ids: ["CRYPTODOTCOM"], hosts: /\bcrypto\.com$/ },
  { name: "Delta", ids: ["DELTA"], hosts: /\bdelta\.exchange$/ },
  { name: "Deribit", ids: ["DERIBIT"], hosts: /\bderibit\.com$/ },
  { name: "dYdX", ids: ["DYDX"], hosts: /\bdydx\.(exchange|trade)$/ },
  { name: "FMFW", ids: ["FMFW"], hosts: /\bfmfw\.io$/ },
  { name: "FTX", ids: ["FTX", "FTX_US"], hosts: /\bftx\.(com|us)$/ },
  { name: "Gate.io", ids: ["GATEIO", "GATEIO_FUTURES"], hosts: /\b(gateio\.ws|gateio\.live)$/ },
  { name: "Gemini", ids: ["GEMINI"], hosts: /\bgemini\.com$/ },
  { name: "HitBTC", ids: ["HITBTC"], hosts: /\bhitbtc\.com$/ },
  { name: "Huobi", ids: ["HUOBI", "HUOBI_DM", "HUOBI_SWAP"], hosts: /\b(huobi\.pro|hbdm\.com)$/ },
  { name: "Independent Reserve", ids: ["INDEPENDENT_RESERVE"], hosts: /\bindependentreserve\.com$/ },
  { name: "Kraken", ids: ["KRAKEN", "KRAKEN_FUTURES"], hosts: /\b(kraken|cryptofacilities)\.com$/ },
  { name: "KuCoin", ids: ["KUCOIN", "KUCOIN_FUTURES"], hosts: /\bkucoin\.com$/ },
  { name: "OKCoin", ids: ["OKCOIN"], hosts: /\bokcoin\.com$/ },
  { name: "OKX", ids: ["OKX", "OKEX"], hosts: /\b(okx|okex)\.com$/ },
  { name: "Phemex", ids: ["PHEMEX"], hosts: /\bphemex\.com$/ },
  { name: "Poloniex", ids: ["POLONIEX"], hosts: /\bpoloniex\.com$/ },
  { name: "ProBit", ids: ["PROBIT"], hosts: /\bprobit\.com$/ },
  { name: "Upbit", ids: ["UPBIT"], hosts: /\bupbit\.com$/ },
];

/** `wss://HOST/... <-> SECONDS`: a dump's line about a connection or request. */
const connectionLine = /^(?:wss|https):\/\/([^/?:\s]+)\S* (?:<->|<-|->) \d/;
/** `KRAKEN.ws.0.0`, optionally with the extension of a compressed copy. */
const dumpName = /^([A-Z][A-Z_]*)\.(?:ws|http)\.\d+(?:\.\d+)?(?:\.\w+)?$/;

interface DumpVenue {
  readonly name: string;
  readonly read: boolean;
}

/** The venue of a cryptofeed dump by the addresses in it or by its file name; undefined if neither is known. */
function venueOf({ name, head }: RecordingFile): DumpVenue | undefined {
  const connection = head.find((line) => connectionLine.test(line)) ?? "";
  const host = connectionLine.exec(connection)?.[1] ?? "";
  const id = dumpName.exec(name)?.[1];
  const venue =
    venues.find(({ hosts }) => hosts.test(host)) ?? venues.find(({ ids }) => id !== undefined && ids.includes(id));
  if (venue !== undefined) return { name: venue.name, read: venue.read ?? false };
  return id === undefined ? undefined : { name: id, read: false };
}

/** Completes a sentence about a dump of an unsupported venue; undefined if the file may be supported. */
export function unsupportedVenue(file: RecordingFile): string | undefined {
  const venue = venueOf(file);
  if (venue === undefined || venue.read) return undefined;
  const read = venues.filter((one) => one.read).map(({ name }) => name);
  return `is a cryptofeed dump of ${venue.name}, which is not supported: cryptofeed dumps of ${read.join(", ")} are`;
}

/** A sentence for the report if the tapes have another source than the dump's venue. */
export function sourceNotice(file: RecordingFile): string | undefined {
  const venue = venueOf(file)?.name;
  if (venue === "Binance US") return `${file.name} was recorded at Binance US; its tapes have the source BINANCE.`;
  if (venue === "Binance Delivery") {
    return `${file.name} was recorded at Binance Delivery (futures settled in coins); its tapes have the source BINANCE-FUTURES.`;
  }
  return undefined;
}
