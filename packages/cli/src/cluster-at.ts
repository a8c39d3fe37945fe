import { fileURLToPath } from "node:url";
import { type Deck, TapedeckError, tapedeck } from "@tapedeck/client";
import { Option } from "commander";
import { WebSocket } from "ws";
import { ClusterFile } from "./cluster/cluster-file.js";
import { Problem } from "./cluster/problem.js";

const localFolder = fileURLToPath(new URL("../../../.tapedeck", import.meta.url));

export interface ClusterOptions {
  readonly url?: string;
  readonly token?: string;
}

/** `--url` and `--token` of the commands that talk to a cluster. */
export function clusterOptions(): Option[] {
  return [
    new Option("--url <address>", "the cluster's address; by default the local one, else http://localhost:8000").env(
      "TAPEDECK_URL",
    ),
    new Option("--token <token>", "where authentication is on; better by environment, since others see arguments").env(
      "TAPEDECK_TOKEN",
    ),
  ];
}

/** The cluster that was named, or that runs on this machine. */
export async function clusterAt({ url, token }: ClusterOptions, signal?: AbortSignal): Promise<Deck> {
  const local = url === undefined ? (await new ClusterFile(localFolder).read())?.url : undefined;
  return tapedeck({
    url: url ?? local ?? "http://localhost:8000",
    WebSocket,
    ...(token !== undefined && { token }),
    ...(signal !== undefined && { signal }),
  });
}

/** What a cluster refuses, or a cluster that is not there, is something for the person at the terminal to mend. */
export async function orProblem<T>(asking: Promise<T>): Promise<T> {
  try {
    return await asking;
  } catch (error) {
    if (error instanceof TapedeckError) throw new Problem(error.message);
    throw error;
  }
}
