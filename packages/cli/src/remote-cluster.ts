import { join } from "node:path";
import { type ClusterClient, TapedeckError, tapedeck } from "@tapedeck/client";
import { InvalidArgumentError, Option } from "commander";
import { WebSocket } from "ws";
import { findRunningCluster } from "./cluster/cluster-file.js";
import { home } from "./repository.js";
import { codeOf, UserError } from "./user-error.js";

export interface RemoteClusterOptions {
  readonly url?: string;
  readonly token?: string;
}

/** `--url` and `--token` of the commands that talk to a cluster. */
export function remoteClusterOptions(): Option[] {
  return [
    new Option("--url <address>", "the cluster's address; by default the local cluster, else http://localhost:8000")
      .env("TAPEDECK_URL")
      .argParser(address),
    new Option(
      "--token <token>",
      "your token, if authentication is on; safer as a variable, since others can see arguments",
    ).env("TAPEDECK_TOKEN"),
  ];
}

/** The address may have a path, if the cluster shares its host with others behind a proxy. */
function address(text: string): string | undefined {
  if (text === "") return undefined; // an empty variable counts as not set
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw new InvalidArgumentError("It must be an address such as http://localhost:8000.");
  }
  if (url.username !== "" || url.password !== "") {
    throw new InvalidArgumentError("It contains a user; a cluster accepts a token instead: --token or TAPEDECK_TOKEN.");
  }
  if (url.search !== "" || url.hash !== "") {
    throw new InvalidArgumentError(
      "It contains a part that begins with ? or #; give the cluster's address without it.",
    );
  }
  return text.replace(/\/+$/, "");
}

/** The address of the cluster that `--url` names, or of the local one. */
export async function addressOf({ url }: RemoteClusterOptions): Promise<string> {
  return url ?? (await findRunningCluster(join(home, ".tapedeck")))?.url ?? "http://localhost:8000";
}

/** Connects to the cluster that `--url` names, or to the local one. If it refuses or does not answer, the error is a UserError. */
export async function withCluster<T>(
  options: RemoteClusterOptions,
  work: (cluster: ClusterClient) => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  const at = await addressOf(options);
  const { token } = options;
  const cluster = tapedeck({
    url: at,
    WebSocket,
    ...(token !== undefined && { token }),
    ...(signal !== undefined && { signal }),
  });
  try {
    return await work(cluster);
  } catch (error) {
    if (error instanceof TapedeckError) throw new UserError(explain(error, at, token !== undefined));
    throw error;
  }
}

/** One sentence that says what went wrong and, where a setting would help, which. */
export function explain(error: TapedeckError, at: string, withToken: boolean): string {
  switch (error.code) {
    case "unreachable":
      return `Nothing answers at ${at}${reasonOf(error)}: start a cluster with npm start, or name one with --url.`;
    case "bad_answer":
      return `${error.message} Is ${at} the address of a cluster? Name one with --url.`;
    case "ROUTE_NOT_FOUND":
      return `${error.message} Is ${at} the complete address of the cluster? Name it with --url.`;
    case "UNAUTHORIZED":
      return withToken
        ? `${error.message} The token of TAPEDECK_TOKEN (or --token) is not accepted at ${at}.`
        : `${error.message} Set TAPEDECK_TOKEN (or --token) to your token.`;
    case "FORBIDDEN":
      return `${error.message} Set TAPEDECK_TOKEN (or --token) to the token of a user who is allowed to do this.`;
    default:
      return error.message;
  }
}

/** Why there is no answer; empty for a refused connection, which the sentence already implies. */
function reasonOf({ cause }: TapedeckError): string {
  const reason = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause;
  if (!(reason instanceof Error) || codeOf(reason) === "ECONNREFUSED") return "";
  if (reason.name === "AbortError") return " in time";
  return ` (${reason.message})`;
}
