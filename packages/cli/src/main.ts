import { readFileSync } from "node:fs";
import { ConfigError } from "@tapedeck/runtime";
import { Command } from "commander";
import { z } from "zod";
import { Problem } from "./cluster/problem.js";
import { completionCommand } from "./commands/completion.js";
import { demoCommand } from "./commands/demo.js";
import { doctorCommand } from "./commands/doctor.js";
import { importCommand } from "./commands/import.js";
import { recomputeCommand } from "./commands/recompute.js";
import { sessionsCommand } from "./commands/sessions.js";
import { tapesCommand } from "./commands/tapes.js";
import { topCommand } from "./commands/top.js";
import { upCommand } from "./commands/up.js";

const manifest = z.object({ version: z.string() });
const { version } = manifest.parse(JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")));

const program = new Command("tapedeck")
  .description("A tape deck for market data for every user, on one Redis-backed cluster.")
  .version(version)
  .addCommand(upCommand())
  .addCommand(importCommand())
  .addCommand(demoCommand())
  .addCommand(tapesCommand())
  .addCommand(recomputeCommand())
  .addCommand(sessionsCommand())
  .addCommand(topCommand())
  .addCommand(doctorCommand())
  .addCommand(completionCommand())
  .addHelpText(
    "after",
    "\nExit codes: 0 done, 1 not done, with the reason in one sentence (2 arguments that make no sense).\n" +
      "A command's own help has its options: tapedeck COMMAND --help",
  );
program
  .command("version")
  .description("print the version")
  .action(() => console.log(version));

try {
  await program.parseAsync();
} catch (error) {
  // What a person can mend is one sentence; anything else is a defect, and its stack is wanted.
  console.error(error instanceof Problem || error instanceof ConfigError ? error.message : error);
  process.exit(1);
}
