import { type Command, Option } from "commander";
import { age, count } from "../terminal/arguments.js";
import { print, printError } from "../terminal/output.js";
import { UsageError } from "../user-error.js";
import { deleteListed, deletingCommand } from "./delete-command.js";
import { type PruneRules, planPruning } from "./prune-plan.js";
import { isInUse, type PlaceChoices, withTapePlace } from "./tape-place.js";

interface Choices extends PlaceChoices, PruneRules {
  readonly dryRun?: boolean;
  readonly yes?: boolean;
}

/** `tapedeck tapes prune`: retention by hand, or from a cron job. */
export function pruneCommand(): Command {
  return deletingCommand("prune", "delete old versions of tapes, and old tapes that feeds recorded")
    .addOption(
      new Option(
        "--keep-versions <count>",
        "the newest versions of each tape that stay; by default the current one, and none of what feeds recorded",
      ).argParser(count),
    )
    .addOption(new Option("--older-than <age>", "only what was made longer ago, such as 30d").argParser(age))
    .action(prune);
}

async function prune(choices: Choices): Promise<void> {
  if (choices.keepVersions === undefined && choices.olderThan === undefined) {
    throw new UsageError("Say what to delete: --keep-versions COUNT, --older-than AGE, or both.");
  }
  await withTapePlace(choices, async (place) => {
    const { versions, names, damaged } = planPruning(await place.list(), choices, Date.now());
    for (const name of damaged) printError(`${name} is damaged, so its age is not known; delete it by its name.`);
    if (names.length === 0) {
      print(`Nothing in ${place.name} is to be deleted.`);
      return;
    }
    await deleteListed(place, versions, choices, names, async (name) => {
      // Without sessions to look at, only force deletes the whole of a tape.
      const force = !place.knowsSessions && !name.includes("@");
      try {
        return await place.delete(name, force);
      } catch (error) {
        if (!isInUse(error)) throw error;
        printError(`Kept ${name}: ${error.message}`);
        return [];
      }
    });
  });
}
