import { Command } from "commander";
import { stoppable } from "../run.js";
import { confirm } from "../terminal/confirm.js";
import { formatBytes, table } from "../terminal/format.js";
import { print, printError } from "../terminal/output.js";
import { UserError } from "../user-error.js";
import {
  isInUse,
  type PlaceChoices,
  placeOptions,
  type SizedVersion,
  sumOf,
  type TapePlace,
  withTapePlace,
} from "./tape-place.js";

interface Choices extends PlaceChoices {
  readonly dryRun?: boolean;
  readonly yes?: boolean;
}

/** Options of the commands that delete tapes. */
export function deletingCommand(name: string, description: string): Command {
  const command = new Command(name).description(description);
  for (const option of placeOptions()) command.addOption(option);
  return command
    .option("--dry-run", "list what would be deleted, and delete nothing")
    .option("--yes", "delete without asking; required if there is no terminal")
    .addHelpText(
      "after",
      "\nIt goes through the cluster of --url or TAPEDECK_URL, or the running local one, which does not delete what sessions play. With\n" +
        "--store or TAPEDECK_STORE, or if no cluster runs, it works on the store alone and does not look at sessions.",
    );
}

/** `tapedeck tapes delete TAPE...` */
export function deleteCommand(): Command {
  return deletingCommand("delete", "delete tapes, or single versions of them")
    .argument("<tape...>", "ids of tapes, or id@version")
    .option("--force", "also delete what sessions play, and the current version")
    .action(deleteTapes);
}

async function deleteTapes(names: string[], choices: Choices & { readonly force?: boolean }): Promise<void> {
  const { force = false } = choices;
  await withTapePlace(choices, async (place) => {
    const chosen: SizedVersion[] = [];
    for (const name of names) chosen.push(...(await place.select(name, force)));
    await deleteListed(place, chosen, choices, names, async (name) => {
      const deleted = await place.delete(name, force).catch((error: unknown) => {
        if (!isInUse(error)) throw error;
        throw new UserError(`${error.message}${force ? "" : " Add --force to delete it."}`);
      });
      return deleted;
    });
  });
}

/**
 * Lists what goes, asks unless `yes`, and deletes one name after the other.
 *
 * @param remove resolves to what it deleted
 */
export async function deleteListed(
  place: TapePlace,
  chosen: readonly SizedVersion[],
  { dryRun = false, yes = false }: Choices,
  names: readonly string[],
  remove: (name: string) => Promise<readonly SizedVersion[]>,
): Promise<void> {
  print(
    ...table(
      columns,
      chosen.map(({ name, bytes }) => [name, formatBytes(bytes)]),
    ),
  );
  const sessions = place.knowsSessions ? "" : " Whether sessions play them is not looked at.";
  print(`${counted(chosen.length, "version")} in ${place.name}, ${formatBytes(sumOf(chosen))}.${sessions}`);
  if (dryRun) {
    print("Nothing was deleted: --dry-run.");
    return;
  }
  await stoppable("Stopped; what was not reported as deleted is still there.", async (signal) => {
    if (!yes && !(await confirm(`Delete ${counted(chosen.length, "version")}?`, "Nothing was deleted", signal))) {
      printError("Nothing was deleted.");
      return;
    }
    let freed = 0;
    for (const name of names) {
      signal.throwIfAborted();
      const deleted = await remove(name);
      for (const each of deleted) print(`Deleted ${each.name}, ${formatBytes(each.bytes)}.`);
      freed += sumOf(deleted);
    }
    print(`${formatBytes(freed)} are free again.`);
  });
}

const columns = [{ name: "VERSION" }, { name: "SIZE", numbers: true }];

export function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}
