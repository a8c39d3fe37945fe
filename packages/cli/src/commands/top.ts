import { setTimeout as sleep } from "node:timers/promises";
import type { Dashboard, NodeView } from "@tapedeck/client";
import { Command, Option } from "commander";
import { type RemoteClusterOptions, remoteClusterOptions, withCluster } from "../remote-cluster.js";
import { stoppable } from "../run.js";
import { numberFrom } from "../terminal/arguments.js";
import { formatCount, formatDuration, formatMillis, table } from "../terminal/format.js";
import { print, printJson } from "../terminal/output.js";

interface TopOptions extends RemoteClusterOptions {
  readonly once?: boolean;
  readonly json?: boolean;
  readonly every: number;
}

/** `tapedeck top`: an overview of the cluster, updated continuously. */
export function topCommand(): Command {
  const command = new Command("top")
    .description("show nodes, sessions and rates of a cluster, live")
    .option("--once", "print once and exit; the default if the output is not a terminal")
    .option("--json", "print one JSON object per line")
    .addOption(new Option("--every <seconds>", "time between updates").argParser(numberFrom(0.2, 3600)).default(1));
  for (const option of remoteClusterOptions()) command.addOption(option);
  return command.action(top);
}

async function top({ once, json, every, ...at }: TopOptions): Promise<void> {
  const single = once || (!json && !process.stdout.isTTY);
  if (single) return show(await withCluster(at, (deck) => deck.metrics()), json);
  await stoppable("", (ending) =>
    withCluster(
      at,
      async (deck) => {
        while (!ending.aborted) {
          show(await deck.metrics(), json);
          await sleep(every * 1000, undefined, { signal: ending });
        }
      },
      ending,
    ),
  );
}

function show(cluster: Dashboard, json = false): void {
  if (json) {
    printJson(cluster);
    return;
  }
  if (process.stdout.isTTY) process.stdout.write("\u001b[H\u001b[2J");
  print(...overviewOf(cluster));
}

/** Sessions and rates, then one line per node, by role. */
function overviewOf({ sessions, nodes, ...cluster }: Dashboard): string[] {
  const { mode_distribution: modes } = sessions;
  const byRole = [...nodes].sort((a, b) => (a.role + a.node < b.role + b.node ? -1 : 1));
  return [
    `${formatCount(sessions.total_sessions)} sessions: ${formatCount(sessions.active_sessions)} playing, ` +
      `${formatCount(sessions.paused_sessions)} paused, ${formatCount(sessions.stopped_sessions)} stopped; ` +
      `REPLAY ${modes.REPLAY}, LIVE ${modes.LIVE}, SIMULATION ${modes.SIMULATION}`,
    `${formatCount(cluster.active_websocket_connections)} sockets; ${formatCount(cluster.snapshots_per_second)} frames per second; ` +
      `lateness ${formatMillis(cluster.avg_latency_ms)} ms at p50, ${formatMillis(cluster.p99_latency_ms)} ms at p99; ` +
      `${formatCount(cluster.total_errors)} errors`,
    "",
    ...table(columns, byRole.map(row)),
  ];
}

const columns = [
  { name: "NODE" },
  { name: "ROLE" },
  { name: "VERSION" },
  { name: "HOLDS", numbers: true },
  { name: "FRAMES/S", numbers: true },
  { name: "P99 MS", numbers: true },
  { name: "UP", numbers: true },
];

function row(node: NodeView): string[] {
  const { leases, sockets, frames_per_second: rate, late_p99_ms, up_s } = node;
  const holds =
    typeof leases === "number" ? `${leases} leases` : typeof sockets === "number" ? `${sockets} sockets` : "-";
  return [
    node.node,
    node.role,
    String(node.version ?? "-"),
    holds,
    typeof rate === "number" ? formatCount(rate) : "-",
    formatMillis(late_p99_ms),
    typeof up_s === "number" ? formatDuration(up_s) : "-",
  ];
}
