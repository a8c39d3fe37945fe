import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { FolderTapeStore, importRecording } from "@tapedeck/tape";
import { writeTestTape } from "@tapedeck/tape/testing";

const startMs = Date.UTC(2026, 0, 1);

/** A message of Binance's futures, 20 ms after the one before. */
function line(at: number, stream: string, data: Record<string, unknown>): string {
  const time = startMs + 20 * at;
  const message = { stream: `btcusdt@${stream}`, data: { E: time, T: time, s: "BTCUSDT", ...data } };
  return `${time}000123 ${JSON.stringify(message)}\n`;
}

/** The price wanders past levels that no message removes, so that the import has to. */
function recording(messages: number): string {
  let text = "";
  for (let at = 0; at < messages; at++) {
    const price = 30_000 + (at % 50) / 10;
    if (at % 4 === 3) {
      const trade = { e: "trade", t: (at - 3) / 4, p: price.toFixed(1), q: "0.125", m: at % 8 === 3, X: "MARKET" };
      text += line(at, "trade", trade);
      continue;
    }
    const levels = (direction: 1 | -1) =>
      Array.from({ length: 25 }, (_, nth) => [
        (price + (direction * (nth + 1)) / 10).toFixed(1),
        `${(at + nth) % 7}.5`,
      ]);
    const ids = { U: 10 * at, u: 10 * at + 9, pu: 10 * (at % 4 === 0 ? at - 2 : at - 1) + 9 };
    text += line(at, "depth", { e: "depthUpdate", ...ids, b: levels(-1), a: levels(1) });
  }
  return text;
}

/** A store with `tracked`, imported from 3,000 messages, and `long` and `plain`, which have frames only. */
export async function writeExportedTapes(folder: string): Promise<string> {
  const place = join(folder, "tapes");
  const store = new FolderTapeStore(place);
  const file = join(folder, "btcusdt.dat");
  await writeFile(file, recording(3_000));
  await importRecording([file], { id: "tracked" }, { store });
  await writeTestTape(store, { id: "plain", frames: 300 });
  await writeTestTape(store, { id: "long", frames: 40_000 });
  return place;
}
