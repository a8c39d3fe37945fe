import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { importRecording, type TapeStore } from "@tapedeck/tape";

/** Milliseconds since 1970 of the first message. */
const startMs = Date.UTC(2024, 0, 2);
/** Levels of each side in the depth response: as many as a client can ask for, so that there are more behind them. */
export const levels = 50;
const depthIntervalMs = 100;
/** Depth updates, each of one bid and one ask, and with each a trade: frame n is the first that has update n. */
export const updates = 40;

/** What a small recording may have otherwise. */
interface SmallOptions {
  readonly symbol?: string;
  /** How much later than the first one it begins. */
  readonly laterMs?: number;
  /** How long it is silent before its update in the middle. */
  readonly silenceMs?: number;
}

/** 50 levels a side from 100.00 outwards in steps of 0.05; every update changes two of them, with sizes that tell which. */
function linesOf({ symbol = "BTCUSDT", laterMs = 0, silenceMs = 0 }: SmallOptions): string[] {
  const timeOf = (nth: number) => startMs + laterMs + nth * depthIntervalMs + (nth > updates / 2 ? silenceMs : 0);
  return [
    line(timeOf(0), {
      lastUpdateId: 1,
      E: timeOf(0),
      T: timeOf(0),
      bids: Array.from({ length: levels }, (_, nth) => [price(-1 - nth), "1.000"]),
      asks: Array.from({ length: levels }, (_, nth) => [price(1 + nth), "1.000"]),
    }),
    ...Array.from({ length: updates }, (_, nth) => {
      const at = timeOf(nth + 1);
      return [line(at, depthUpdate(nth, at, symbol)), line(at, trade(nth, at, symbol))];
    }).flat(),
  ];
}

function price(steps: number): string {
  return (100 + steps * 0.05).toFixed(2);
}

/** Update `nth` sets a bid and an ask that are `nth` steps behind the best ones. */
export function changeOf(nth: number): { bid: string; ask: string; size: string } {
  return { bid: price(-1 - nth), ask: price(1 + nth), size: `${nth + 2}.125` };
}

function depthUpdate(nth: number, at: number, symbol: string): object {
  const { bid, ask, size } = changeOf(nth);
  const ids = { U: nth + 1, u: nth + 2, pu: nth === 0 ? 0 : nth + 1 };
  const data = { e: "depthUpdate", E: at, T: at, s: symbol, ...ids, b: [[bid, size]], a: [[ask, size]] };
  return { stream: `${symbol.toLowerCase()}@depth@100ms`, data };
}

function trade(nth: number, at: number, symbol: string): object {
  const data = { e: "trade", E: at, T: at, s: symbol, t: nth + 1, p: price(1), q: "0.010", X: "MARKET", m: false };
  return { stream: `${symbol.toLowerCase()}@trade`, data };
}

function line(at: number, message: object): string {
  return `${at}000000 ${JSON.stringify(message)}`;
}

/** Imports a small recording, whose tape has an event track. Resolves to its `id@version`. */
export function importSmallRecording(store: TapeStore, id = "small", options: SmallOptions = {}): Promise<string> {
  return importFiles(store, id, { [`${(options.symbol ?? "btcusdt").toLowerCase()}.dat`]: linesOf(options) });
}

/** Imports five orders, of which one is cancelled and one executed, as LOBSTER has them. Resolves to its `id@version`. */
export function importSmallOrders(store: TapeStore, id = "orders"): Promise<string> {
  return importFiles(store, id, {
    "AAPL_2012-06-21_34200000_57600000_message_2.csv": [
      "34200.1,1,11,100,1000000,1",
      "34200.2,1,12,100,1010000,-1",
      "34200.3,1,13,50,990000,1",
      "34200.4,1,14,70,1020000,-1",
      "34200.5,1,15,30,1000000,1",
      "34200.6,3,13,50,990000,1",
      "34200.7,4,12,40,1010000,-1",
    ],
    "AAPL_2012-06-21_34200000_57600000_orderbook_2.csv": [
      "9999999999,0,1000000,100,9999999999,0,-9999999999,0",
      "1010000,100,1000000,100,9999999999,0,-9999999999,0",
      "1010000,100,1000000,100,9999999999,0,990000,50",
      "1010000,100,1000000,100,1020000,70,990000,50",
      "1010000,100,1000000,130,1020000,70,990000,50",
      "1010000,100,1000000,130,1020000,70,-9999999999,0",
      "1010000,60,1000000,130,1020000,70,-9999999999,0",
    ],
  });
}

async function importFiles(
  store: TapeStore,
  id: string,
  files: Readonly<Record<string, readonly string[]>>,
): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "tapedeck-recording-"));
  try {
    const paths = Object.keys(files).map((name) => join(folder, name));
    for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), `${text.join("\n")}\n`);
    const { tapes } = await importRecording(paths, { id }, { store });
    const [{ tape } = { tape: undefined }] = tapes;
    if (tape === undefined) throw new Error("the recording made no tape");
    return tape;
  } finally {
    await rm(folder, { recursive: true });
  }
}
