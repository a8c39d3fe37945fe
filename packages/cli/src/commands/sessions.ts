import type { SessionView } from "@tapedeck/client";
import { Command, Option } from "commander";
import { Problem } from "../cluster/problem.js";
import { type ClusterOptions, clusterAt, clusterOptions, orProblem } from "../cluster-at.js";
import { table } from "../terminal/table.js";

interface Shown extends ClusterOptions {
  readonly json?: boolean;
}

/** `tapedeck sessions`: what users have open, and what one of them sees. */
export function sessionsCommand(): Command {
  const command = new Command("sessions").description("list, show, watch and delete sessions of a cluster");
  command.addCommand(
    onCluster("list", "list sessions, the newest first")
      .addOption(new Option("--mode <mode>", "only those in this mode").choices(["REPLAY", "LIVE", "SIMULATION"]))
      .addOption(new Option("--state <state>", "only those in this state").choices(["STOPPED", "PLAYING", "PAUSED"]))
      .option("--limit <count>", "at most so many", "100")
      .action(list),
    { isDefault: true },
  );
  command.addCommand(onCluster("show", "show one session").argument("<id>").action(show));
  command.addCommand(
    onCluster("watch", "print the frames of a session as they come, until Ctrl-C")
      .argument("<id>")
      .option("--frames <count>", "end after so many")
      .action(watch),
  );
  command.addCommand(onCluster("delete", "delete sessions; their sockets close").argument("<id...>").action(remove));
  return command;
}

function onCluster(name: string, description: string): Command {
  const command = new Command(name).description(description).option("--json", "print JSON");
  for (const option of clusterOptions()) command.addOption(option);
  return command;
}

interface Wanted extends Shown {
  readonly mode?: SessionView["mode"];
  readonly state?: SessionView["state"];
  readonly limit: string;
}

async function list({ mode, state, limit, json, ...at }: Wanted): Promise<void> {
  const most = countOf("--limit", limit);
  const deck = await clusterAt(at);
  const found: SessionView[] = [];
  let cursor: string | undefined;
  do {
    const choice = { limit: Math.min(1000, most - found.length), ...(mode && { mode }), ...(state && { state }) };
    const page = await orProblem(deck.sessions.list({ ...choice, ...(cursor !== undefined && { cursor }) }));
    found.push(...page.sessions);
    cursor = page.next_cursor ?? undefined;
  } while (cursor !== undefined && found.length < most);
  if (json) console.log(JSON.stringify(found, undefined, 2));
  else console.log(found.length === 0 ? "There is no such session." : table(columns, found.map(row)));
}

const columns = [
  { name: "ID" },
  { name: "MODE" },
  { name: "STATE" },
  { name: "SPEED", numbers: true },
  { name: "TAPE" },
  { name: "AT" },
  { name: "SOCKETS", numbers: true },
  { name: "CREATED" },
];

function row(session: SessionView): string[] {
  const { session_id, mode, state, speed, tape, cursor_ts, connections, created_at } = session;
  return [session_id, mode, state, `${speed}`, tape ?? "-", cursor_ts ?? "-", `${connections}`, created_at];
}

async function show(id: string, { json, ...at }: Shown): Promise<void> {
  const session = await orProblem((await clusterAt(at)).sessions.get(id));
  if (json) return console.log(JSON.stringify(session, undefined, 2));
  const lines = Object.entries(session).filter(([name]) => name !== "controller_state");
  const width = Math.max(...lines.map(([name]) => name.length));
  for (const [name, value] of lines) {
    console.log(`${name.padEnd(width)}  ${typeof value === "object" ? JSON.stringify(value) : String(value)}`);
  }
}

async function watch(id: string, { json, frames, ...at }: Shown & { readonly frames?: string }): Promise<void> {
  let left = frames === undefined ? Number.POSITIVE_INFINITY : countOf("--frames", frames);
  const ending = new AbortController();
  const end = () => ending.abort();
  process.once("SIGINT", end).once("SIGTERM", end);
  try {
    const session = await orProblem((await clusterAt(at, ending.signal)).join(id));
    session.onEnd(({ reason }) => {
      if (!ending.signal.aborted) console.error(`The session is over: ${reason}.`);
      end();
    });
    for await (const frame of session.frames({ signal: ending.signal })) {
      const { seq, timestamp, symbol, best_bid, best_ask, trades, anomalies } = frame;
      const counts = `${trades.length} trades  ${anomalies.map(({ type }) => type).join(" ")}`;
      const line = `${timestamp}  #${seq}  ${symbol}  ${best_bid ?? "-"} / ${best_ask ?? "-"}  ${counts}`.trimEnd();
      console.log(json ? JSON.stringify(frame) : line);
      if (--left === 0) break;
    }
    session.close();
  } finally {
    process.off("SIGINT", end).off("SIGTERM", end);
  }
}

async function remove(ids: string[], { json, ...at }: Shown): Promise<void> {
  const deck = await clusterAt(at);
  for (const id of ids) {
    await orProblem(deck.sessions.delete(id));
    if (!json) console.log(`Session ${id} is deleted.`);
  }
  if (json) console.log(JSON.stringify({ deleted: ids }));
}

function countOf(option: string, text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new Problem(`${option} is "${text}", and has to be a whole number above 0.`);
}
