import type { WallMs } from "@tapedeck/protocol";

/** What one feed records: the same names that sessions ask for. */
export interface LiveInstrument {
  readonly source: string;
  readonly symbol: string;
}

const pattern = /^live\.([A-Z0-9-]{1,24})\.([A-Za-z0-9-]{1,40})\.([1-9]\d{0,14})(?:@[1-9]\d{0,8})?$/;
const sourcePattern = /^[A-Z0-9-]{1,24}$/;
const symbolPattern = /^[A-Z0-9/:._-]{1,40}$/;

/** Symbols are written in capitals, which leaves the small letters for what an id of a tape cannot hold, or not there. */
const written: Readonly<Record<string, string>> = { "/": "s", ":": "c", ".": "d", _: "u" };
const read: Readonly<Record<string, string>> = Object.fromEntries(Object.entries(written).map(([a, b]) => [b, a]));

/** `live.BINANCE.BTCUSDT.1735900000000`: the tape that a feed began at that time. Throws `RangeError` for other names. */
export function liveTapeId({ source, symbol }: LiveInstrument, startedMs: WallMs): string {
  if (!sourcePattern.test(source) || !symbolPattern.test(symbol)) {
    throw new RangeError(`${source}:${symbol} cannot be the name of a feed`);
  }
  return `live.${source}.${symbol.replace(/[/:._]/g, (sign) => written[sign] ?? "")}.${Math.floor(startedMs)}`;
}

/** Whose tape this is, from its id or its `id@version`; undefined for any other tape. */
export function parseLiveTapeId(name: string): LiveInstrument | undefined {
  const [, source, symbol] = pattern.exec(name) ?? [];
  if (source === undefined || symbol === undefined) return undefined;
  return { source, symbol: symbol.replace(/[scdu]/g, (sign) => read[sign] ?? sign) };
}
