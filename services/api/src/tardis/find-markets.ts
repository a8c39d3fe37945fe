import { isoOfNs, type NormalizedReplay, nsOfIso, RefusedError, refuse, type TapeView } from "@tapedeck/protocol";
import { type Tape, tapeName } from "@tapedeck/tape";
import type { Api } from "../api.js";
import type { Caller } from "../auth/caller.js";
import { openReadable, sharedTape } from "../tapes/tape-access.js";
import { exchangeOf } from "./exchanges.js";

/** A market with the tapes of a time, of which no two have the same moment, the oldest first. */
export interface ReplayedMarket {
  /** Tardis' name of the exchange. */
  readonly exchange: string;
  readonly symbol: string;
  readonly tapes: readonly Tape[];
}

type Wanted = Pick<NormalizedReplay, "exchange" | "symbols" | "from" | "to">;

/**
 * The markets that a replay asks for. Where several tapes have the same moment, one is read: rather a recording than what a feed recorded, and the
 * newest one. Rejects with `TAPE_NOT_FOUND` if a market has no tape with events of that time, and as `openReadable` does.
 */
export async function findMarkets(api: Api, caller: Caller, wanted: Wanted): Promise<ReplayedMarket[]> {
  const exchange = wanted.exchange.toLowerCase();
  const ofExchange = await tapesOf(api, caller, exchange);
  const fitting = ofExchange.filter((view) => startOf(view) < wanted.to && endOf(view) >= wanted.from);
  const found = new Map<string, TapeView[]>();
  for (const view of fitting) {
    const symbol = view.symbol.toUpperCase();
    found.set(symbol, [...(found.get(symbol) ?? []), view]);
  }
  const symbols = wanted.symbols?.map((symbol) => symbol.toUpperCase()) ?? [...found.keys()].sort();
  if (symbols.length === 0) throw notFound(`a market of ${wanted.exchange}`, wanted, ofExchange);
  return Promise.all(
    [...new Set(symbols)].map(async (symbol) => {
      const views = found.get(symbol);
      if (views === undefined) throw notFound(`${symbol} of ${wanted.exchange}`, wanted, ofExchange);
      const tapes = await Promise.all(
        apart(api, views).map((view) => openReadable(api, tapeName(view.id, view.version), caller)),
      );
      return { exchange, symbol: tapes[0]?.symbol ?? symbol, tapes };
    }),
  );
}

/** The tapes with events of an exchange that the caller may read: growing ones first, then the newest. */
export async function tapesOf(api: Api, caller: Caller, exchange: string): Promise<TapeView[]> {
  const shared = await sharedTape(api, caller);
  const none = shared === "";
  const views = shared === undefined ? await api.tapes.list() : none ? [] : [await api.tapes.view(shared)];
  return views.filter((view) => view.event_track && exchangeOf(view) === exchange.toLowerCase());
}

/** Those of a market's tapes that are read, the oldest first. */
function apart(api: Api, views: readonly TapeView[]): TapeView[] {
  const live = (view: TapeView): number => (api.tapes.kindOf(view.id) === "live" ? 1 : 0);
  const chosen: TapeView[] = [];
  for (const view of [...views].sort((a, b) => live(a) - live(b))) {
    if (chosen.every((other) => endOf(view) < startOf(other) || startOf(view) > endOf(other))) chosen.push(view);
  }
  return chosen.sort((a, b) => (startOf(a) < startOf(b) ? -1 : 1));
}

function startOf({ from }: TapeView): bigint {
  return nsOfIso(from) ?? 0n;
}

function endOf({ to }: TapeView): bigint {
  return nsOfIso(to) ?? 0n;
}

const mostNamed = 10;

function notFound(market: string, { from, to }: Wanted, ofExchange: readonly TapeView[]): RefusedError {
  const named = ofExchange.slice(0, mostNamed).map((view) => `${view.symbol} from ${view.from} to ${view.to}`);
  const there = named.length === 0 ? "no tape of this exchange has any" : `there are ${named.join("; ")}`;
  const time = `from ${isoOfNs(from, 3)} to ${isoOfNs(to, 3)}`;
  return new RefusedError(refuse("TAPE_NOT_FOUND", `No tape has events of ${market} ${time}: ${there}.`));
}
