import type { TapeView } from "@tapedeck/protocol";
import { TapeCatalog } from "@tapedeck/tape";
import { Command } from "commander";
import { tapeStore } from "./tape-store.js";

/** `tapedeck tapes`: what is in the store. */
export function tapesCommand(): Command {
  return new Command("tapes")
    .description("list the tapes of a store")
    .option("--store <place>", "folder or s3://bucket/prefix of the tapes, by default the local cluster's")
    .option("--json", "print them as JSON")
    .action(async ({ store: asked, json }: { store?: string; json?: boolean }) => {
      const { place, store } = await tapeStore(asked);
      const tapes = await new TapeCatalog(store, { cacheBytes: 8 << 20 }).list();
      if (json) console.log(JSON.stringify(tapes, undefined, 2));
      else console.log(tapes.length === 0 ? `There is no tape in ${place}.` : table(tapes.map(row)));
    });
}

const header = ["ID", "SYMBOL", "SOURCE", "FROM", "LASTS", "FRAMES", "TRADES", "GAPS", "SIZE"];

function row(tape: TapeView): string[] {
  return [
    `${tape.id}@${tape.version}`,
    tape.symbol,
    tape.source,
    `${tape.from.slice(0, 19)}Z`,
    lasting(tape.duration_ms / 1000),
    tape.frames.toLocaleString("en-US"),
    tape.trades?.toLocaleString("en-US") ?? "-",
    String(tape.gaps.length),
    `${(tape.bytes / 1e6).toFixed(1)} MB`,
  ];
}

function lasting(seconds: number): string {
  const whole = Math.floor(seconds);
  const two = (n: number) => String(n).padStart(2, "0");
  return `${Math.floor(whole / 3600)}:${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`;
}

/** Columns as wide as their widest value; numbers to the right. */
function table(rows: readonly string[][]): string {
  const all = [header, ...rows];
  const widths = header.map((_, column) => Math.max(...all.map((cells) => cells[column]?.length ?? 0)));
  const cell = (text: string, column: number) =>
    column < 4 ? text.padEnd(widths[column] ?? 0) : text.padStart(widths[column] ?? 0);
  return all.map((cells) => cells.map(cell).join("  ").trimEnd()).join("\n");
}
