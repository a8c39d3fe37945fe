import type { WallMs } from "@tapedeck/protocol";
import { liveTapeIdPattern } from "@tapedeck/tape";

/** An instrument by the names that sessions use. */
export interface LiveInstrument {
  readonly source: string;
  readonly symbol: string;
}

const versionPattern = /@[1-9]\d{0,8}$/;
const sourcePattern = /^[A-Z0-9-]{1,24}$/;
const symbolPattern = /^[A-Z0-9/:._-]{1,40}$/;

/** Symbols are in capitals, so small letters can stand for the characters that a tape id cannot hold. */
const escapes: Readonly<Record<string, string>> = { "/": "s", ":": "c", ".": "d", _: "u" };
const unescapes: Readonly<Record<string, string>> = Object.fromEntries(Object.entries(escapes).map(([a, b]) => [b, a]));

/** `live.BINANCE.BTCUSDT.1735900000000`: the tape that a feed began at that time. Throws `RangeError` for an invalid instrument. */
export function liveTapeId({ source, symbol }: LiveInstrument, startedMs: WallMs): string {
  if (!sourcePattern.test(source) || !symbolPattern.test(symbol)) {
    throw new RangeError(`${source}:${symbol} is not a valid instrument`);
  }
  return `live.${source}.${symbol.replace(/[/:._]/g, (sign) => escapes[sign] ?? "")}.${Math.floor(startedMs)}`;
}

/** The instrument of a live tape, from its id or `id@version`; undefined for any other tape. */
export function parseLiveTapeId(name: string): LiveInstrument | undefined {
  const [, source, symbol] = liveTapeIdPattern.exec(name.replace(versionPattern, "")) ?? [];
  if (source === undefined || symbol === undefined) return undefined;
  return { source, symbol: symbol.replace(/[scdu]/g, (sign) => unescapes[sign] ?? sign) };
}
