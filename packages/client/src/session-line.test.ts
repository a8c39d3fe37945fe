import { afterEach, expect, test, vi } from "vitest";
import WebSocket from "ws";
import { soon } from "../../../test/support/soon.js";
import { type LinkTiming, usualTiming } from "./link-rules.js";
import { SessionLine } from "./session-line.js";
import { frame, historyOf, viewOf } from "./testing/messages.js";
import { StandIn } from "./testing/stand-in.js";

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

async function standIn(greet: Parameters<typeof StandIn.open>[0]): Promise<StandIn> {
  const stand = await StandIn.open(greet);
  open.push(stand);
  return stand;
}

function lineTo(
  sockets: readonly string[],
  { token, timing }: { token?: () => Promise<string>; timing?: Partial<LinkTiming> } = {},
): SessionLine {
  const rules = {
    ...usualTiming,
    backoffMs: 10,
    mostBackoffMs: 20,
    ...timing,
    addresses: sockets.length,
    freshTokens: true,
  };
  const line = new SessionLine({ WebSocket, rules, token, sockets, view: viewOf(), position: undefined });
  open.push(line);
  return line;
}

const tokens = () => {
  let nth = 0;
  return vi.fn(async () => `token ${++nth}`);
};
const isToken = (message: unknown, text: string) =>
  JSON.stringify(message) === JSON.stringify({ type: "auth", token: text });

test("[CL24] a token is the first message of each connection, and one that is refused is replaced", async () => {
  const stand = await standIn((message) => {
    if (message === undefined) return undefined;
    return isToken(message, "token 2") ? "let in" : 4401;
  });
  const token = tokens();
  const line = lineTo([stand.url], { token });
  await line.opened;
  expect(token).toHaveBeenCalledTimes(2);
  expect(stand.visits.map(({ sent }) => sent[0])).toEqual([
    { type: "auth", token: "token 1" },
    { type: "auth", token: "token 2" },
  ]);
  expect(stand.visits[0]).toMatchObject({ protocol: "tapedeck.v1" });
});

test("[CL24] one that expires on the way is replaced, and frames go on after the last one", async () => {
  const stand = await standIn(() => "let in");
  const line = lineTo([stand.url], { token: tokens() });
  const seqs: number[] = [];
  line.events.frame.add(({ seq }) => seqs.push(seq));
  await line.opened;
  stand.say(historyOf(1, [0]), frame(1), frame(2));
  await vi.waitFor(() => expect(seqs).toEqual([1, 2]), soon);
  stand.sendAway(4401);
  await vi.waitFor(() => expect(stand.visits).toHaveLength(2), soon);
  expect(Object.fromEntries(stand.visits[1]?.query ?? [])).toEqual({
    session_id: "a",
    create: "false",
    epoch: "1",
    after: "2",
  });
  await vi.waitFor(() => expect(stand.visits[1]?.sent[0]).toEqual({ type: "auth", token: "token 2" }), soon);
  await vi.waitFor(() => expect(line.state).toBe("open"), soon);
  stand.say(historyOf(1, [2, 3]), frame(4));
  await vi.waitFor(() => expect(seqs).toEqual([1, 2, 3, 4]), soon);
});

test("[CL24] after three that were refused it is refused", async () => {
  const stand = await standIn(() => 4401);
  const line = lineTo([stand.url], { token: tokens() });
  await expect(line.opened).rejects.toMatchObject({ code: "UNAUTHORIZED" });
  expect(stand.visits).toHaveLength(3);
  expect(line.ended).toMatchObject({ reason: "refused", error: { code: "UNAUTHORIZED" } });
});

test("[CL24] a token that cannot be had now is asked for again", async () => {
  const stand = await standIn(() => "let in");
  const token = vi.fn(async () => "good").mockRejectedValueOnce(new Error("signed out"));
  const line = lineTo([stand.url], { token });
  const whys: (string | undefined)[] = [];
  line.events.connection.add(({ why }) => whys.push(why));
  await line.opened;
  expect(whys).toEqual(["no token: signed out", undefined]);
});

test("[CL24] without tokens a ping is the first message, once the session's first has come", async () => {
  const stand = await standIn(() => "let in");
  const line = lineTo([stand.url]);
  await line.opened;
  await vi.waitFor(() => expect(stand.visits[0]?.sent).toEqual([{ type: "ping" }]), soon);
});

test("[CL2] what comes together with the first message waits for listeners that are added when open resolves", async () => {
  const stand = await standIn((message) => {
    if (!isToken(message, "token 1")) return undefined;
    // Right after the first message, before anyone on the other side has had a turn.
    queueMicrotask(() => stand.say(historyOf(1, [0, 1]), frame(2)));
    return "let in";
  });
  const line = lineTo([stand.url], { token: tokens() });
  await line.opened;
  const seqs: number[] = [];
  line.events.history.add(({ frames }) => seqs.push(...frames.map(({ seq }) => seq)));
  line.events.frame.add(({ seq }) => seqs.push(seq));
  await vi.waitFor(() => expect(seqs).toEqual([0, 1, 2]), soon);
});

test("[CL3] a socket that was given up is not heard any more", async () => {
  const slow = await standIn(() => undefined);
  const stand = await standIn(() => "let in");
  const line = lineTo([slow.url, stand.url], { token: tokens(), timing: { openMs: 100 } });
  await line.opened;
  const seqs: number[] = [];
  line.events.frame.add(({ seq }) => seqs.push(seq));
  slow.say({ type: "session", session: viewOf({ epoch: 99 }), node: "late", limits: {} }, frame(7));
  stand.say(historyOf(1, [0]), frame(1));
  await vi.waitFor(() => expect(seqs).toEqual([1]), soon);
  expect(line.node).toBe("stand-in");
});

test("[CL5] who leaves in the middle of what was missed knows where they were", async () => {
  const stand = await standIn(() => "let in");
  const line = lineTo([stand.url]);
  const seqs: number[] = [];
  line.events.frame.add(({ seq }) => {
    seqs.push(seq);
    if (seq === 4) line.close();
  });
  await line.opened;
  stand.say(historyOf(1, [0]), historyOf(1, [1, 2, 3, 4, 5, 6]));
  await vi.waitFor(() => expect(line.state).toBe("closed"), soon);
  expect(seqs).toEqual([1, 2, 3, 4]);
  expect(line.position).toEqual({ epoch: 1, seq: 4 });
  expect(line.stats.framesReceived).toBe(4);
});

test("[CL42] frames that came before the end are delivered before it, and nothing after it", async () => {
  const stand = await standIn(() => "let in");
  const line = lineTo([stand.url], { token: tokens() });
  await line.opened;
  const told: string[] = [];
  line.events.frame.add(({ seq }) => told.push(`frame ${seq}`));
  line.events.end.add(({ reason }) => told.push(reason));
  stand.say(historyOf(1, [0]), frame(1));
  stand.sendAway(4404);
  await vi.waitFor(() => expect(told).toEqual(["frame 1", "expired"]), soon);
  await expect(line.command("pause")).rejects.toMatchObject({ code: "SESSION_NOT_FOUND" });
});
