import type { SourceEvent } from "../../events/source-event.js";
import type { RecordingFile } from "../../input/recording-file.js";
import { BitfinexMessages } from "../../messages/bitfinex-messages.js";
import { BybitMessages } from "../../messages/bybit-messages.js";
import { DeribitMessages } from "../../messages/deribit-messages.js";
import { KrakenMessages } from "../../messages/kraken-messages.js";
import { OkxMessages } from "../../messages/okx-messages.js";

/** Reads the messages of one connection to a venue. */
export interface VenueReader {
  /** A new connection: what comes next may miss updates. */
  connected(): void;
  /** Adds a message's events to `out`, or returns the kind of a message that a tape does not need. Throws `BrokenLine`. */
  read(message: unknown, receivedNs: bigint, out: SourceEvent[]): string | undefined;
}

interface Venue {
  readonly name: string;
  /** cryptofeed's own ids for it. */
  readonly ids: readonly string[];
  /** The hosts in its dumps. */
  readonly hosts: RegExp;
  /** Whether its dumps are supported. */
  readonly read?: true;
  /** Makes what reads its messages; absent where their form tells whose they are. @param address of the connection, if it is known */
  readonly reader?: (address: string) => VenueReader;
}

const venues: readonly Venue[] = [
  { name: "Binance US", ids: ["BINANCE_US"], hosts: /\bbinance\.us$/, read: true },
  { name: "Binance Delivery", ids: ["BINANCE_DELIVERY"], hosts: /^d(stream|api)\.binance\.com$/, read: true },
  { name: "Binance", ids: ["BINANCE", "BINANCE_FUTURES", "BINANCE_TR"], hosts: /\bbinance\.(com|vision)$/, read: true },
  { name: "Coinbase", ids: ["COINBASE"], hosts: /\bcoinbase\.com$/, read: true },
  { name: "BitMEX", ids: ["BITMEX"], hosts: /\bbitmex\.com$/, read: true },
  { name: "AscendEX", ids: ["ASCENDEX", "ASCENDEX_FUTURES"], hosts: /\bascendex\.com$/ },
  { name: "Bequant", ids: ["BEQUANT"], hosts: /\bbequant\.io$/ },
  { name: "Bit.com", ids: ["BITDOTCOM"], hosts: /\bbit\.com$/ },
  {
    name: "Bitfinex",
    ids: ["BITFINEX"],
    hosts: /\bbitfinex\.com$/,
    read: true,
    reader: () => new BitfinexMessages(),
  },
  { name: "bitFlyer", ids: ["BITFLYER"], hosts: /\bbitflyer\.com$/ },
  { name: "Bithumb", ids: ["BITHUMB"], hosts: /\bbithumb\.com$/ },
  { name: "Bitstamp", ids: ["BITSTAMP"], hosts: /\bbitstamp\.net$/ },
  { name: "Blockchain.com", ids: ["BLOCKCHAIN"], hosts: /\bblockchain\.(com|info)$/ },
  {
    name: "Bybit",
    ids: ["BYBIT"],
    hosts: /\b(bybit|bytick)\.com$/,
    read: true,
    reader: (address) => new BybitMessages(address.endsWith("/spot") ? "BYBIT-SPOT" : "BYBIT"),
  },
  { name: "Crypto.com", ids: ["CRYPTODOTCOM"], hosts: /\bcrypto\.com$/ },
  { name: "Delta", ids: ["DELTA"], hosts: /\bdelta\.exchange$/ },
  { name: "Deribit", ids: ["DERIBIT"], hosts: /\bderibit\.com$/, read: true, reader: () => new DeribitMessages() },
  { name: "dYdX", ids: ["DYDX"], hosts: /\bdydx\.(exchange|trade)$/ },
  { name: "FMFW", ids: ["FMFW"], hosts: /\bfmfw\.io$/ },
  { name: "FTX", ids: ["FTX", "FTX_US"], hosts: /\bftx\.(com|us)$/ },
  { name: "Gate.io", ids: ["GATEIO", "GATEIO_FUTURES"], hosts: /\b(gateio\.ws|gateio\.live)$/ },
  { name: "Gemini", ids: ["GEMINI"], hosts: /\bgemini\.com$/ },
  { name: "HitBTC", ids: ["HITBTC"], hosts: /\bhitbtc\.com$/ },
  { name: "Huobi", ids: ["HUOBI", "HUOBI_DM", "HUOBI_SWAP"], hosts: /\b(huobi\.pro|hbdm\.com)$/ },
  { name: "Independent Reserve", ids: ["INDEPENDENT_RESERVE"], hosts: /\bindependentreserve\.com$/ },
  { name: "Kraken Futures", ids: ["KRAKEN_FUTURES"], hosts: /^futures\.kraken\.com$|\bcryptofacilities\.com$/ },
  { name: "Kraken", ids: ["KRAKEN"], hosts: /\bkraken\.com$/, read: true, reader: () => new KrakenMessages() },
  { name: "KuCoin", ids: ["KUCOIN", "KUCOIN_FUTURES"], hosts: /\bkucoin\.com$/ },
  { name: "OKCoin", ids: ["OKCOIN"], hosts: /\bokcoin\.com$/ },
  { name: "OKX", ids: ["OKX", "OKEX"], hosts: /\b(okx|okex)\.com$/, read: true, reader: () => new OkxMessages() },
  { name: "Phemex", ids: ["PHEMEX"], hosts: /\bphemex\.com$/ },
  { name: "Poloniex", ids: ["POLONIEX"], hosts: /\bpoloniex\.com$/ },
  { name: "ProBit", ids: ["PROBIT"], hosts: /\bprobit\.com$/ },
  { name: "Upbit", ids: ["UPBIT"], hosts: /\bupbit\.com$/ },
];

/** `wss://HOST/... <-> SECONDS`: a dump's line about a connection or request. */
const connectionLine = /^((?:wss|https):\/\/([^/?:\s]+)\S*) (?:<->|<-|->) \d/;
/** `KRAKEN.ws.0.0`, optionally with the extension of a compressed copy. */
const dumpName = /^([A-Z][A-Z_]*)\.(?:ws|http)\.\d+(?:\.\d+)?(?:\.\w+)?$/;

/** The venue of a cryptofeed dump by the addresses in it or by its file name, and the address; undefined if neither is known. */
function venueOf({ name, head }: RecordingFile): { readonly venue: Venue; readonly address: string } | undefined {
  const connection = head.find((line) => connectionLine.test(line)) ?? "";
  const [, address = "", host = ""] = connectionLine.exec(connection) ?? [];
  const id = dumpName.exec(name)?.[1];
  const venue =
    venues.find(({ hosts }) => hosts.test(host)) ?? venues.find(({ ids }) => id !== undefined && ids.includes(id));
  if (venue !== undefined) return { venue, address };
  return id === undefined ? undefined : { venue: { name: id, ids: [id], hosts: /(?!)/ }, address };
}

/** What reads the dump's messages; undefined where their form tells whose they are. */
export function readerOf(file: RecordingFile): VenueReader | undefined {
  const found = venueOf(file);
  return found?.venue.reader?.(found.address);
}

/** Completes a sentence about a dump of an unsupported venue; undefined if the file may be supported. */
export function unsupportedVenue(file: RecordingFile): string | undefined {
  const venue = venueOf(file)?.venue;
  if (venue === undefined || venue.read) return undefined;
  const read = venues.filter((one) => one.read).map(({ name }) => name);
  return `is a cryptofeed dump of ${venue.name}, which is not supported: cryptofeed dumps of ${read.join(", ")} are`;
}

/** A sentence for the report if the tapes have another source than the dump's venue. */
export function sourceNotice(file: RecordingFile): string | undefined {
  const venue = venueOf(file)?.venue.name;
  if (venue === "Binance US") return `${file.name} was recorded at Binance US; its tapes have the source BINANCE.`;
  if (venue === "Binance Delivery") {
    return `${file.name} was recorded at Binance Delivery (futures settled in coins); its tapes have the source BINANCE-FUTURES.`;
  }
  return undefined;
}
