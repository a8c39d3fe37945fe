import type { TapeView } from "@tapedeck/protocol";
import { TapeCatalog } from "@tapedeck/tape";
import { Command } from "commander";
import { table } from "../terminal/table.js";
import { counted, lasting } from "../terminal/words.js";
import { mustBeThere, withTapeStore } from "./tape-store.js";

/** `tapedeck tapes`: what is in the store. */
export function tapesCommand(): Command {
  return new Command("tapes")
    .description("list the tapes of a store")
    .option("--store <place>", "folder or s3://bucket/prefix of the tapes, by default the local cluster's")
    .option("--json", "print them as JSON")
    .action(async ({ store: asked, json }: { store?: string; json?: boolean }) => {
      const { place, tapes } = await withTapeStore(asked, async ({ place, store }) => {
        if (asked !== undefined) await mustBeThere(place);
        return { place, tapes: await new TapeCatalog(store, { cacheBytes: 8 << 20 }).list() };
      });
      if (json) console.log(JSON.stringify(tapes, undefined, 2));
      else console.log(tapes.length === 0 ? `There is no tape in ${place}.` : table(columns, tapes.map(row)));
    });
}

const columns = [
  ...["ID", "SYMBOL", "SOURCE", "FROM"].map((name) => ({ name })),
  ...["LASTS", "FRAMES", "TRADES", "GAPS", "SIZE"].map((name) => ({ name, numbers: true })),
];

function row(tape: TapeView): string[] {
  return [
    `${tape.id}@${tape.version}`,
    tape.symbol,
    tape.source,
    `${tape.from.slice(0, 19)}Z`,
    lasting(tape.duration_ms / 1000),
    counted(tape.frames),
    tape.trades?.toLocaleString("en-US") ?? "-",
    String(tape.gaps.length),
    `${(tape.bytes / 1e6).toFixed(1)} MB`,
  ];
}
