import { setImmediate as others } from "node:timers/promises";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { type DataFeedQuery, RefusedError, refuse } from "@tapedeck/protocol";
import { effectiveStates, eventStates, pinnedTrackOf, type Tape } from "@tapedeck/tape";
import type { Api } from "../api.js";
import type { Caller } from "../auth/caller.js";
import { type BinanceChannel, BinanceMessages, binanceChannels } from "./binance-messages.js";
import { findMarkets, type ReplayedMarket, tapesOf } from "./find-markets.js";
import { inOrder, type Messages } from "./replay.js";

/** Minutes that may wait for each user: a client asks for sixty at a time, and a minute later if that is too many. */
export const waitingSlices = 200;

const compressed = promisify(gzip);
const minuteNs = 60_000_000_000n;
const effective: ReadonlySet<string> = new Set(eventStates.slice(0, effectiveStates));
const exchanges = new Set(["binance", "binance-futures"]);

/**
 * A minute of an exchange's own messages, as lines, compressed. Empty if no tape has that minute. Rejects with MALFORMED, whatever is wrong with the request: clients
 * of Tardis ask again and again after any other status.
 */
export async function dataFeedSlice(api: Api, caller: Caller, exchange: string, query: DataFeedQuery): Promise<Buffer> {
  if (!exchanges.has(exchange)) {
    const known = `the messages of ${[...exchanges].join(" and ")} only; ask for /tardis/replay-normalized`;
    throw malformed(`exchange: data feeds have ${known}, which has all exchanges.`);
  }
  const from = query.from + BigInt(query.offset) * minuteNs;
  const range = { from, to: from + minuteNs };
  const markets = await marketsOf(api, caller, exchange, query, range);
  let lines = "";
  let written = 0;
  for await (const { text } of inOrder(markets)) {
    lines += `${text}\n`;
    if (lines.length < written + 65_536) continue;
    written = lines.length;
    await others();
  }
  return compressed(lines);
}

interface TimeRange {
  readonly from: bigint;
  readonly to: bigint;
}

/** The messages of the markets that filters name, each with its channels. */
async function marketsOf(
  api: Api,
  caller: Caller,
  exchange: string,
  { filters }: DataFeedQuery,
  range: TimeRange,
): Promise<Messages[]> {
  const known = new Set((await tapesOf(api, caller, exchange)).map(({ symbol }) => symbol.toUpperCase()));
  const wanted = filters.length === 0 ? binanceChannels.map((channel) => ({ channel, symbols: undefined })) : filters;
  const channels = new Map<string, Set<BinanceChannel>>();
  for (const filter of wanted) {
    const channel = binanceChannels.find((name) => name === filter.channel);
    if (channel === undefined) {
      throw malformed(`filters: channel must be one of ${binanceChannels.join(", ")}, not ${filter.channel}.`);
    }
    for (const symbol of filter.symbols?.map((name) => name.toUpperCase()) ?? known) {
      if (!known.has(symbol)) {
        throw malformed(
          `filters: no tape with events has ${symbol} of ${exchange}; there are ${[...known].join(", ")}.`,
        );
      }
      channels.set(symbol, (channels.get(symbol) ?? new Set()).add(channel));
    }
  }
  const found = await Promise.all(
    [...channels].map(([symbol, of]) => marketOf(api, caller, { exchange, symbol, of, range })),
  );
  return found.flat();
}

interface WantedMarket {
  readonly exchange: string;
  readonly symbol: string;
  readonly of: ReadonlySet<BinanceChannel>;
  readonly range: TimeRange;
}

/** None if no tape of the market has that time. */
async function marketOf(api: Api, caller: Caller, { exchange, symbol, of, range }: WantedMarket): Promise<Messages[]> {
  try {
    const markets = await findMarkets(api, caller, { exchange, symbols: [symbol], ...range });
    return markets.map((market) => marketLines(market, range, of));
  } catch (error) {
    if (error instanceof RefusedError && error.code === "TAPE_NOT_FOUND") return [];
    throw error;
  }
}

async function* marketLines(
  { exchange, tapes }: ReplayedMarket,
  range: TimeRange,
  channels: ReadonlySet<BinanceChannel>,
): Messages {
  for (const tape of tapes) yield* tapeLines(tape, exchange === "binance-futures", range, channels);
}

async function* tapeLines(
  tape: Tape,
  isFutures: boolean,
  { from, to }: TimeRange,
  channels: ReadonlySet<BinanceChannel>,
): Messages {
  const track = await pinnedTrackOf(tape);
  const { symbol, decimals: times } = tape;
  const writer = new BinanceMessages({ symbol, isFutures, times, track: track.decimals, channels });
  let isBegun = false;
  for await (const event of track.events({ from: { ts: from }, to: { ts: to } })) {
    if (!effective.has(event.state)) continue;
    // Each minute begins with the whole book: clients keep minutes, and begin with any of them.
    if (!isBegun) yield* writer.snapshot(await track.bookAt({ ts: from - 1n }), from, event.receivedNs);
    isBegun = true;
    yield* event.kind === "trade" ? writer.trade(event) : writer.update(event);
  }
}

function malformed(message: string): RefusedError {
  return new RefusedError(refuse("MALFORMED", message));
}
