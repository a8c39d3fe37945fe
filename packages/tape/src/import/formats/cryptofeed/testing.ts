import { crc32ByTable } from "../../../format/checksum.js";
import { textOf } from "../../input/testing.js";
import { type Told, toldMarket, type WholeBook } from "../testing.js";

/** Made-up markets in venues' own words, as cryptofeed dumps them. What cryptofeed's authors recorded is in recorded.test.ts. */

type Level = readonly [price: number, size: number];

const windowDepth = 12;

export interface VenueWords {
  readonly venue: string;
  readonly file: string;
  readonly connected: string;
  readonly tape: string;
  /** Levels a side that it tells of. */
  readonly depth: number | undefined;
  /** Messages before the book's. */
  readonly before: readonly string[];
  /** `previous` is the id of the message before it; undefined for the first one. */
  write(told: Told, previous: number | undefined): string;
}

const text = (number: number, decimals: number) => number.toFixed(decimals);
const pairs = (levels: readonly Level[]) => levels.map(([price, size]) => [text(price, 1), text(size, 3)]);

function krakenChecksum({ bids, asks }: WholeBook): string {
  const digits = (levels: readonly Level[]) =>
    levels
      .slice(0, 10)
      .map(([price, size]) => text(price, 1).replace(".", "") + text(size, 8).replace(".", "").replace(/^0+/, ""))
      .join("");
  return String(crc32ByTable(Buffer.from(digits(asks) + digits(bids))));
}

function okxChecksum({ bids, asks }: WholeBook): number {
  const parts: string[] = [];
  for (let at = 0; at < 25; at++) {
    for (const level of [bids[at], asks[at]]) if (level) parts.push(text(level[0], 1), text(level[1], 3));
  }
  return crc32ByTable(Buffer.from(parts.join(":"))) | 0;
}

function okx(told: Told, more: object): string {
  const rows = (levels: readonly Level[]) => pairs(levels).map(([price, size]) => [price, size, "0", "1"]);
  const data = { asks: rows(told.asks), bids: rows(told.bids), ts: String(told.ms), ...more };
  const arg = { channel: "books50-l2-tbt", instId: "BTC-USDT" };
  return JSON.stringify({ arg, action: told.whole ? "snapshot" : "update", data: [data] });
}

export const venues: readonly VenueWords[] = [
  {
    venue: "Kraken",
    file: "KRAKEN.ws.0.0",
    connected: "wss://ws.kraken.com <-> 1723118399.9",
    tape: "xbt-usd-kraken-20240808@1",
    depth: windowDepth,
    before: ['{"event":"heartbeat"}'],
    write: (told) => {
      const rows = (levels: readonly Level[]) =>
        levels.map(([price, size]) => [text(price, 1), text(size, 8), String(told.ms / 1000)]);
      const end = [`book-${windowDepth}`, "XBT/USD"];
      if (told.whole) return JSON.stringify([336, { as: rows(told.asks), bs: rows(told.bids) }, ...end]);
      const parts = [
        ...(told.asks.length > 0 ? [{ a: rows(told.asks) }] : []),
        ...(told.bids.length > 0 ? [{ b: rows(told.bids) }] : []),
      ];
      const checked = parts.map((part, at) =>
        at === parts.length - 1 ? { ...part, c: krakenChecksum(told.truth) } : part,
      );
      return JSON.stringify([336, ...checked, ...end]);
    },
  },
  {
    venue: "OKX, by numbers",
    file: "OKX.ws.0.0",
    connected: "wss://ws.okx.com:8443/ws/v5/public <-> 1723118399.9",
    tape: "btc-usdt-okx-20240808@1",
    depth: undefined,
    before: ['{"event":"subscribe","arg":{"channel":"books","instId":"BTC-USDT"}}'],
    write: (told, previous = -1) => okx(told, { checksum: 0, seqId: told.id, prevSeqId: previous }),
  },
  {
    venue: "OKX, by checksum",
    file: "OKX.ws.0.0",
    connected: "wss://ws.okx.com:8443/ws/v5/public <-> 1723118399.9",
    tape: "btc-usdt-okx-20240808@1",
    depth: undefined,
    before: [],
    write: (told) => okx(told, { checksum: okxChecksum(told.truth) }),
  },
  {
    venue: "Deribit",
    file: "DERIBIT.ws.0.0",
    connected: "wss://www.deribit.com/ws/api/v2 <-> 1723118399.9",
    tape: "btc-perpetual-deribit-20240808@1",
    depth: undefined,
    before: ['{"jsonrpc":"2.0","id":0,"result":["book.BTC-PERPETUAL.raw"]}'],
    write: (told, previous) => {
      const rows = (levels: readonly Level[]) =>
        levels.map(([price, size]) => [told.whole ? "new" : size === 0 ? "delete" : "change", price, size]);
      const data = {
        type: told.whole ? "snapshot" : "change",
        timestamp: told.ms,
        instrument_name: "BTC-PERPETUAL",
        ...(told.whole ? {} : { prev_change_id: previous }),
        change_id: told.id,
        bids: rows(told.bids),
        asks: rows(told.asks),
      };
      return JSON.stringify({
        jsonrpc: "2.0",
        method: "subscription",
        params: { channel: "book.BTC-PERPETUAL.raw", data },
      });
    },
  },
  {
    venue: "Bitfinex",
    file: "BITFINEX.ws.0.0",
    connected: "wss://api.bitfinex.com/ws/2 <-> 1723118399.9",
    tape: "btcusd-bitfinex-20240808@1",
    depth: undefined,
    before: [
      '{"event":"info","version":2}',
      '{"event":"conf","status":"OK","flags":65536}',
      '{"event":"subscribed","channel":"ticker","chanId":9,"symbol":"tBTCUSD","pair":"BTCUSD"}',
      '{"event":"subscribed","channel":"book","chanId":17,"symbol":"tBTCUSD","prec":"P0","freq":"F0","len":"100","pair":"BTCUSD"}',
    ],
    write: (told) => {
      const rows = [
        ...told.bids.map(([price, size]) => [price, size > 0 ? 1 : 0, size || 1]),
        ...told.asks.map(([price, size]) => [price, size > 0 ? 1 : 0, -(size || 1)]),
      ];
      return JSON.stringify([17, told.whole ? rows : rows[0], told.id]);
    },
  },
  {
    venue: "Bybit",
    file: "BYBIT.ws.0.0",
    connected: "wss://stream.bybit.com/v5/public/linear <-> 1723118399.9",
    tape: "btcusdt-bybit-20240808@1",
    depth: windowDepth,
    before: ['{"success":true,"ret_msg":"","op":"subscribe"}'],
    write: (told) =>
      JSON.stringify({
        topic: `orderbook.${windowDepth}.BTCUSDT`,
        type: told.whole ? "snapshot" : "delta",
        ts: told.ms + 2,
        data: { s: "BTCUSDT", b: pairs(told.bids), a: pairs(told.asks), u: told.id, seq: 7_000_000 + told.id },
        cts: told.ms,
      }),
  },
];

const received = (ms: number, message: string) => `${ms / 1000 + 0.015}: ${message}`;

/** A dump of the messages. Each names the one before it on the venue's side, whether it is in the dump or not. */
export function dump(words: VenueWords, told: readonly Told[], left: (one: Told) => boolean = () => true): string {
  const lines = told.flatMap((one, at) => (left(one) ? [received(one.ms, words.write(one, told[at - 1]?.id))] : []));
  const first = (told[0]?.ms ?? 0) - 50;
  return textOf([words.connected, ...words.before.map((message) => received(first, message)), ...lines]);
}

/** A short dump of each venue, of the market AAPL. */
export function someDumps(): readonly string[] {
  return venues.map((words) =>
    dump(words, toldMarket(40, words.depth)).replace(/XBT\/USD|BTC-USDT|BTC-PERPETUAL|BTCUSDT|BTCUSD/g, "AAPL"),
  );
}
