import { readFileSync } from "node:fs";
import { Command } from "commander";
import { z } from "zod";
import { completionCommand } from "./commands/completion.js";
import { demoCommand } from "./commands/demo.js";
import { doctorCommand } from "./commands/doctor.js";
import { importCommand } from "./commands/import.js";
import { recomputeCommand } from "./commands/recompute.js";
import { sessionsCommand } from "./commands/sessions.js";
import { tapesCommand } from "./commands/tapes.js";
import { topCommand } from "./commands/top.js";
import { upCommand } from "./commands/up.js";
import { run } from "./run.js";
import { print } from "./terminal/output.js";

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
    "\nExit codes: 0 done; 1 not done, with the reason in one sentence; 2 arguments that make no sense; 130, 143 and 141 stopped by Ctrl-C,\n" +
      "by SIGTERM, and by a reader that has left (as head does).\n" +
      "A command's own help has its options: tapedeck COMMAND --help",
  );
program
  .command("version")
  .description("print the version")
  .action(() => print(version));

await run(program);
