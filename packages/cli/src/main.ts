import { version } from "@tapedeck/runtime";
import { Command } from "commander";
import { completionCommand } from "./commands/completion.js";
import { demoCommand } from "./commands/demo.js";
import { doctorCommand } from "./commands/doctor.js";
import { exportCommand } from "./commands/export.js";
import { importCommand } from "./commands/import.js";
import { mcpCommand } from "./commands/mcp.js";
import { recomputeCommand } from "./commands/recompute.js";
import { sessionsCommand } from "./commands/sessions.js";
import { tapesCommand } from "./commands/tapes.js";
import { topCommand } from "./commands/top.js";
import { upCommand } from "./commands/up.js";
import { run } from "./run.js";
import { print } from "./terminal/output.js";

const program = new Command("tapedeck")
  .description("A tape deck for market data for every user, on one shared cluster.")
  .version(version)
  .addCommand(upCommand())
  .addCommand(importCommand())
  .addCommand(exportCommand())
  .addCommand(demoCommand())
  .addCommand(tapesCommand())
  .addCommand(recomputeCommand())
  .addCommand(sessionsCommand())
  .addCommand(mcpCommand())
  .addCommand(topCommand())
  .addCommand(doctorCommand())
  .addCommand(completionCommand())
  .addHelpText(
    "after",
    "\nExit codes: 0 success; 1 failure, with the reason in one sentence; 2 invalid arguments; 130, 143 and 141 if stopped by Ctrl-C, by\n" +
      "SIGTERM, or because the reader of the output left (as head does).\n" +
      "For the options of a command: tapedeck COMMAND --help",
  );
program
  .command("version")
  .description("print the version")
  .action(() => print(version));

await run(program);
