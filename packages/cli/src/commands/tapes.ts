import type { TapeView } from "@tapedeck/protocol";
import { deleteTape, TapeCatalog, TapeInUse } from "@tapedeck/tape";
import { Command } from "commander";
import { formatCount, formatDuration, table } from "../terminal/format.js";
import { print, printJson } from "../terminal/output.js";
import { UserError } from "../user-error.js";
import { requireFolder, withTapeStore } from "./tape-store.js";

interface Choices {
  readonly store?: string;
}

/** `tapedeck tapes`: lists and deletes tapes of a store. */
export function tapesCommand(): Command {
  const command = new Command("tapes").description("list and delete the tapes of a store");
  command.addCommand(
    commandOfStore("list", "list the tapes of a store").option("--json", "print them as JSON").action(list),
    { isDefault: true },
  );
  command.addCommand(
    commandOfStore("delete", "delete tapes, or single versions of them")
      .argument("<tape...>", "ids of tapes, or id@version")
      .option("--force", "also delete the current version, which sessions may be playing")
      .action(remove),
  );
  return command;
}

function commandOfStore(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .option("--store <place>", "folder or s3://bucket/prefix of the tapes; by default the local cluster's");
}

async function list({ store: asked, json }: Choices & { json?: boolean }): Promise<void> {
  const { place, tapes } = await withTapeStore(asked, async ({ place, store }) => {
    if (asked !== undefined) await requireFolder(place);
    return { place, tapes: await new TapeCatalog(store, { cacheBytes: 8 << 20 }).list() };
  });
  if (json) printJson(tapes, 2);
  else print(...(tapes.length === 0 ? [`${place} contains no tape.`] : table(columns, tapes.map(row))));
}

async function remove(names: string[], { store: asked, force = false }: Choices & { force?: boolean }): Promise<void> {
  await withTapeStore(asked, async ({ place, store }) => {
    if (asked !== undefined) await requireFolder(place);
    for (const name of names) {
      try {
        await deleteTape(store, name, { force });
      } catch (error) {
        if (!(error instanceof TapeInUse)) throw error;
        throw new UserError(
          `${name} was not deleted: it includes the current version, which sessions may be playing. Add --force to delete it.`,
        );
      }
      print(`Deleted ${name}.`);
    }
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
    formatDuration(tape.duration_ms / 1000),
    formatCount(tape.frames),
    tape.trades?.toLocaleString("en-US") ?? "-",
    String(tape.gaps.length),
    `${(tape.bytes / 1e6).toFixed(1)} MB`,
  ];
}
