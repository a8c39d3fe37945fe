import { once } from "node:events";
import { serveStdio } from "@modelcontextprotocol/server/stdio";
import type { RemoteClusterOptions } from "../remote-cluster.js";
import { printError } from "../terminal/output.js";
import { ClusterCalls } from "./cluster-calls.js";
import { createServer } from "./server.js";
import { WatchedSessions } from "./watched-sessions.js";

/**
 * Serves the Model Context Protocol on standard input and output, until the client closes the input or `signal` aborts. Nothing else may be
 * written to standard output meanwhile.
 */
export async function serve(options: RemoteClusterOptions, signal: AbortSignal): Promise<void> {
  const watched = new WatchedSessions(options);
  const context = { options, watched, calls: new ClusterCalls(options) };
  const serving = serveStdio(() => createServer(context), {
    onerror: (error) => printError(`A message of the client was not understood: ${error.message}`),
  });
  try {
    await once(process.stdin, "close", { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    await serving.close();
    watched.close();
  }
}
