import type { Frame, SessionView } from "@tapedeck/client";
import { Command, Option } from "commander";
import { type RemoteClusterOptions, remoteClusterOptions, withCluster } from "../remote-cluster.js";
import { stoppable } from "../run.js";
import { count } from "../terminal/arguments.js";
import { table } from "../terminal/format.js";
import { print, printError, printJson } from "../terminal/output.js";

interface Shown extends RemoteClusterOptions {
  readonly json?: boolean;
}

/** `tapedeck sessions`: lists, shows, watches and deletes the sessions of a cluster. */
export function sessionsCommand(): Command {
  const command = new Command("sessions").description("list, show, watch and delete sessions of a cluster");
  command.addCommand(
    commandOfCluster("list", "list sessions, newest first")
      .addOption(new Option("--mode <mode>", "only sessions in this mode").choices(["REPLAY", "LIVE", "SIMULATION"]))
      .addOption(new Option("--state <state>", "only sessions in this state").choices(["STOPPED", "PLAYING", "PAUSED"]))
      .addOption(new Option("--limit <count>", "maximum number of sessions").argParser(count).default(100))
      .action(list),
    { isDefault: true },
  );
  command.addCommand(commandOfCluster("show", "show one session").argument("<id>").action(show));
  command.addCommand(
    commandOfCluster("watch", "print the frames of a session as they arrive, until Ctrl-C")
      .argument("<id>")
      .addOption(new Option("--frames <count>", "stop after this many frames").argParser(count))
      .action(watch),
  );
  command.addCommand(
    commandOfCluster("delete", "delete sessions; their sockets are closed").argument("<id...>").action(remove),
  );
  return command;
}

function commandOfCluster(name: string, description: string): Command {
  const command = new Command(name).description(description).option("--json", "print JSON");
  for (const option of remoteClusterOptions()) command.addOption(option);
  return command;
}

interface Wanted extends Shown {
  readonly mode?: SessionView["mode"];
  readonly state?: SessionView["state"];
  readonly limit: number;
}

async function list({ mode, state, limit, json, ...at }: Wanted): Promise<void> {
  const found: SessionView[] = [];
  await withCluster(at, async ({ sessions }) => {
    let cursor: string | undefined;
    do {
      const choice = { limit: Math.min(1000, limit - found.length), ...(mode && { mode }), ...(state && { state }) };
      const page = await sessions.list({ ...choice, ...(cursor !== undefined && { cursor }) });
      found.push(...page.sessions);
      cursor = page.next_cursor ?? undefined;
    } while (cursor !== undefined && found.length < limit);
  });
  if (json) printJson(found, 2);
  else print(...(found.length === 0 ? ["No session found."] : table(columns, found.map(row))));
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
  const session = await withCluster(at, ({ sessions }) => sessions.get(id));
  if (json) return printJson(session, 2);
  const lines = Object.entries(session).filter(([name]) => name !== "controller_state");
  const width = Math.max(...lines.map(([name]) => name.length));
  for (const [name, value] of lines) {
    print(`${name.padEnd(width)}  ${typeof value === "object" ? JSON.stringify(value) : String(value)}`);
  }
}

interface Watched extends Shown {
  readonly frames?: number;
}

async function watch(id: string, { json, frames = Number.POSITIVE_INFINITY, ...at }: Watched): Promise<void> {
  let left = frames;
  await stoppable("", (ending) =>
    withCluster(
      at,
      async (deck) => {
        const session = await deck.join(id);
        session.onEnd(({ reason }) => {
          if (!ending.aborted && left > 0) printError(`The session has ended: ${reason}.`);
        });
        for await (const frame of session.frames({ signal: ending })) {
          if (json) printJson(frame);
          else print(lineOf(frame));
          if (--left === 0) break;
        }
        session.close();
      },
      ending,
    ),
  );
}

function lineOf({ seq, timestamp, symbol, best_bid, best_ask, trades, anomalies }: Frame): string {
  const counts = `${trades.length} trades  ${anomalies.map(({ type }) => type).join(" ")}`;
  return `${timestamp}  #${seq}  ${symbol}  ${best_bid ?? "-"} / ${best_ask ?? "-"}  ${counts}`.trimEnd();
}

async function remove(ids: string[], { json, ...at }: Shown): Promise<void> {
  await withCluster(at, async ({ sessions }) => {
    for (const id of ids) {
      await sessions.delete(id);
      if (!json) print(`Deleted session ${id}.`);
    }
  });
  if (json) printJson({ deleted: ids });
}
