import { Command } from "commander";
import { type RemoteClusterOptions, remoteClusterOptions } from "../remote-cluster.js";
import { stoppable } from "../run.js";
import { printError } from "../terminal/output.js";

const helpText = `
An assistant starts this command itself. Its configuration, where it has a list "mcpServers":
  "tapedeck": { "command": "tapedeck", "args": ["mcp", "--url", "http://localhost:8000"] }
docs/mcp.md has it for several assistants.`;

/** `tapedeck mcp`: the tools of a cluster for assistants. */
export function mcpCommand(): Command {
  const command = new Command("mcp")
    .description("let an AI assistant use a cluster: a server of the Model Context Protocol on stdin and stdout")
    .addHelpText("after", helpText);
  for (const option of remoteClusterOptions()) command.addOption(option);
  return command.action(mcp);
}

async function mcp(options: RemoteClusterOptions): Promise<void> {
  if (process.stdin.isTTY)
    printError("Waiting for messages of an MCP client on stdin; Ctrl-C ends it. See tapedeck mcp --help.");
  const { serve } = await import("../mcp/serve.js"); // no other command needs it, and it is large
  await stoppable("", (signal) => serve(options, signal));
}
