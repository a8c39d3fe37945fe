import type { TapeView } from "@tapedeck/protocol";
import { TapeCatalog, tapeName } from "@tapedeck/tape";
import { Command } from "commander";
import { counted, deleteCommand } from "../tapes/delete-command.js";
import { pruneCommand } from "../tapes/prune-command.js";
import { formatBytes, formatCount, formatDuration, table } from "../terminal/format.js";
import { print, printJson } from "../terminal/output.js";
import { requireFolder, withTapeStore } from "./tape-store.js";

interface Choices {
  readonly store?: string;
  readonly versions?: boolean;
  readonly json?: boolean;
}

/** `tapedeck tapes`: lists tapes of a store, and deletes them there or in a cluster. */
export function tapesCommand(): Command {
  const command = new Command("tapes").description("list tapes, and delete them");
  command.addCommand(
    new Command("list")
      .description("list the tapes of a store, and what they take")
      .option("--store <place>", "folder or s3://bucket/prefix of the tapes; by default the local cluster's")
      .option("--versions", "list every version")
      .option("--json", "print them as JSON")
      .action(list),
    { isDefault: true },
  );
  command.addCommand(deleteCommand());
  command.addCommand(pruneCommand());
  return command;
}

async function list({ store: asked, versions, json }: Choices): Promise<void> {
  const { place, tapes } = await withTapeStore(asked, async ({ place, store }) => {
    if (asked !== undefined) await requireFolder(place);
    return { place, tapes: await new TapeCatalog(store, { cacheBytes: 8 << 20 }).list({ versions: true }) };
  });
  if (json) printJson(tapes, 2);
  else if (tapes.length === 0) print(`${place} contains no tape.`);
  else {
    print(...(versions ? table(versionColumns, tapes.flatMap(versionRows)) : table(columns, tapes.map(row))));
    print(`${counted(tapes.length, "tape")}, ${formatBytes(tapes.reduce((sum, tape) => sum + bytesOf(tape), 0))}.`);
  }
}

/** What all versions of a tape take. */
function bytesOf({ versions = [] }: TapeView): number {
  return versions.reduce((sum, { bytes }) => sum + (bytes ?? 0), 0);
}

const columns = [
  ...["ID", "SYMBOL", "SOURCE", "FROM"].map((name) => ({ name })),
  ...["LASTS", "FRAMES", "TRADES", "GAPS", "SIZE", "VERSIONS", "ON DISK"].map((name) => ({ name, numbers: true })),
];

function row(tape: TapeView): string[] {
  return [
    `${tape.id}@${tape.version}`,
    tape.symbol,
    tape.source,
    `${tape.from.slice(0, 19)}Z`,
    formatDuration(tape.duration_ms / 1000),
    formatCount(tape.frames),
    tape.trades?.toLocaleString("en-US") ?? "-",
    String(tape.gaps.length),
    formatBytes(tape.bytes),
    String(tape.versions?.length ?? 0),
    formatBytes(bytesOf(tape)),
  ];
}

const versionColumns = [{ name: "VERSION" }, { name: "MADE" }, { name: "SIZE", numbers: true }, { name: "" }];

function versionRows({ id, versions = [] }: TapeView): string[][] {
  return versions.map(({ version, current, bytes, created_at }) => [
    tapeName(id, version),
    created_at === null ? "-" : `${created_at.slice(0, 19)}Z`,
    formatBytes(bytes),
    current ? "current" : bytes === null ? "damaged" : "",
  ]);
}
