import { join } from "node:path";
import { type ClusterClient, TapedeckError, tapedeck } from "@tapedeck/client";
import { InvalidArgumentError, Option } from "commander";
import { WebSocket } from "ws";
import { findRunningCluster } from "./cluster/running-cluster.js";
import { home } from "./repository.js";
import { codeOf, UserError } from "./user-error.js";

export interface RemoteClusterOptions {
  readonly url?: string;
  readonly token?: string;
}

/** `--url` and `--token` of the commands that talk to a cluster. */
export function remoteClusterOptions(): Option[] {
  return [
    new Option("--url <address>", "the cluster's address; by default the local one, else http://localhost:8000")
      .env("TAPEDECK_URL")
      .argParser(address),
    new Option("--token <token>", "where authentication is on; better by environment, since others see arguments").env(
      "TAPEDECK_TOKEN",
    ),
  ];
}

/** An address may have a path, where the cluster is behind a proxy that has others beside it. */
function address(text: string): string | undefined {
  if (text === "") return undefined; // as for every variable: set to nothing is not set
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw new InvalidArgumentError("It has to be an address such as http://localhost:8000.");
  }
  if (url.username !== "" || url.password !== "") {
    throw new InvalidArgumentError("It names a user; a cluster takes a token instead: --token or TAPEDECK_TOKEN.");
  }
  if (url.search !== "" || url.hash !== "") {
    throw new InvalidArgumentError("It has a part that begins with ? or #; give the cluster's address without it.");
  }
  return text.replace(/\/+$/, "");
}

/** Asks the cluster that was named, or that runs on this machine. What it refuses, and that it is not there, becomes a Problem. */
export async function withCluster<T>(
  { url, token }: RemoteClusterOptions,
  work: (deck: ClusterClient) => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  const local = url === undefined ? (await findRunningCluster(join(home, ".tapedeck")))?.url : undefined;
  const at = url ?? local ?? "http://localhost:8000";
  const deck = tapedeck({
    url: at,
    WebSocket,
    ...(token !== undefined && { token }),
    ...(signal !== undefined && { signal }),
  });
  try {
    return await work(deck);
  } catch (error) {
    if (error instanceof TapedeckError) throw new UserError(explain(error, at, token !== undefined));
    throw error;
  }
}

function explain(error: TapedeckError, at: string, withToken: boolean): string {
  switch (error.code) {
    case "unreachable":
      return `Nothing answers at ${at}${whyOf(error)}: start a cluster with npm start, or name one with --url.`;
    case "bad_answer":
      return `${error.message} Is ${at} the address of a cluster? Name one with --url.`;
    case "ROUTE_NOT_FOUND":
      return `${error.message} Is ${at} the whole address of the cluster? Name it with --url.`;
    case "UNAUTHORIZED":
      return withToken
        ? `${error.message} The token of TAPEDECK_TOKEN (or --token) is not accepted at ${at}.`
        : `${error.message} Give a token by TAPEDECK_TOKEN (or --token).`;
    case "FORBIDDEN":
      return `${error.message} TAPEDECK_TOKEN (or --token) takes the token of someone who may.`;
    default:
      return error.message;
  }
}

/** Why there is no answer; empty where the connection was refused, which the sentence says already. */
function whyOf({ cause }: TapedeckError): string {
  const reason = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause;
  if (!(reason instanceof Error) || codeOf(reason) === "ECONNREFUSED") return "";
  if (reason.name === "AbortError") return " in time";
  return ` (${reason.message})`;
}
