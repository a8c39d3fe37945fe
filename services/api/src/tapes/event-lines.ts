import { setImmediate as others } from "node:timers/promises";
import { isoOfNs, type TimeDecimals } from "@tapedeck/protocol";
import type { Tape, TrackedEvent, TrackRange, TrackReader } from "@tapedeck/tape";

/** Characters of lines that are sent at once. */
const pieceLength = 64 * 1024;

/**
 * Events of a tape's track as NDJSON: a line for each level of an update and for each trade, as `trackLine` of packages/protocol describes it. They
 * are read as they are taken. Fails as reading the track does.
 *
 * @param limit how many events, each with all its lines
 */
export async function* eventLines(
  track: TrackReader,
  tape: Pick<Tape, "source" | "symbol" | "decimals">,
  range: TrackRange,
  limit = Number.POSITIVE_INFINITY,
): AsyncGenerator<Uint8Array, void, undefined> {
  const market = `"exchange":${JSON.stringify(tape.source)},"symbol":${JSON.stringify(tape.symbol)}`;
  let text = "";
  let events = 0;
  for await (const event of track.events(range)) {
    text += linesOf(event, market, tape.decimals);
    if (++events >= limit) break;
    if (text.length < pieceLength) continue;
    yield Buffer.from(text);
    text = "";
    await others(); // a client that reads quickly would leave no time for other requests
  }
  if (text !== "") yield Buffer.from(text);
}

// HOT: once for each event, and what is inside once for each of its levels.
function linesOf(event: TrackedEvent, market: string, decimals: TimeDecimals): string {
  const { n, seq, heard, state } = event;
  const times = `"timestamp":"${exactIso(event.timestampNs, decimals)}","local_timestamp":"${exactIso(event.receivedNs, decimals)}"`;
  const origin = `"n":${n},"seq":${seq},"heard":${heard},"state":"${state}"`;
  if (event.kind === "trade") {
    const { id = null, side, price, amount } = event;
    const trade = `"id":${JSON.stringify(id)},"side":"${side}","price":"${price}","amount":"${amount}"`;
    return `{"kind":"trade",${market},${times},${trade},${origin}}\n`;
  }
  const { ids, isSnapshot, levels } = event;
  const head = `{"kind":"book",${market},${times},"is_snapshot":${isSnapshot},`;
  const { first = null, last = null, previous = null } = ids ?? {};
  const tail = `,${origin},"first_id":${first},"last_id":${last},"previous_id":${previous}}\n`;
  let lines = "";
  for (const { side, price, amount } of levels) {
    lines += `${head}"side":"${side}","price":"${price}","amount":"${amount}"${tail}`;
  }
  return lines;
}

/** With the decimals of the tape's times, or as many more as this one has. */
export function exactIso(ns: bigint, decimals: TimeDecimals): string {
  if (decimals === 9 || ns % 1_000n !== 0n) return isoOfNs(ns, 9);
  return isoOfNs(ns, decimals === 6 || ns % 1_000_000n !== 0n ? 6 : 3);
}
