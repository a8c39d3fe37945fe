import type { ServerMessage } from "@tapedeck/protocol";
import { afterEach, expect, test, vi } from "vitest";
import WebSocket from "ws";
import { soon } from "../../../../test/support/soon.js";
import { type ConnectionTiming, defaultTiming } from "../connection/connection-machine.js";
import { FakeGateway } from "../testing/fake-gateway.js";
import { fillOf, frame, historyOf, orderOf, viewOf } from "../testing/messages.js";
import { SessionClient } from "./session-client.js";

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

async function fakeGateway(greet: Parameters<typeof FakeGateway.open>[0]): Promise<FakeGateway> {
  const gateway = await FakeGateway.open(greet);
  open.push(gateway);
  return gateway;
}

function connectTo(
  sockets: readonly string[],
  { token, timing }: { token?: () => Promise<string>; timing?: Partial<ConnectionTiming> } = {},
): SessionClient {
  const rules = {
    ...defaultTiming,
    backoffMs: 10,
    maxBackoffMs: 20,
    ...timing,
    addresses: sockets.length,
    freshTokens: true,
  };
  const client = new SessionClient({ WebSocket, rules, token, sockets, view: viewOf(), position: undefined });
  open.push(client);
  return client;
}

const tokens = () => {
  let nth = 0;
  return vi.fn(async () => `token ${++nth}`);
};
const isToken = (message: unknown, text: string) =>
  JSON.stringify(message) === JSON.stringify({ type: "auth", token: text });

test("[CL24] the token is the first message of each connection, and a refused one is replaced", async () => {
  const gateway = await fakeGateway((message) => {
    if (message === undefined) return undefined;
    return isToken(message, "token 2") ? "accept" : 4401;
  });
  const token = tokens();
  const client = connectTo([gateway.url], { token });
  await client.opened;
  expect(token).toHaveBeenCalledTimes(2);
  expect(gateway.connections.map(({ sent }) => sent[0])).toEqual([
    { type: "auth", token: "token 1" },
    { type: "auth", token: "token 2" },
  ]);
  expect(gateway.connections[0]).toMatchObject({ protocol: "tapedeck.v1" });
});

test("[CL24] an expired token is replaced, and frames continue after the last one", async () => {
  const gateway = await fakeGateway(() => "accept");
  const client = connectTo([gateway.url], { token: tokens() });
  const seqs: number[] = [];
  client.events.frame.add(({ seq }) => seqs.push(seq));
  await client.opened;
  gateway.send(historyOf(1, [0]), frame(1), frame(2));
  await vi.waitFor(() => expect(seqs).toEqual([1, 2]), soon);
  gateway.disconnect(4401);
  await vi.waitFor(() => expect(gateway.connections).toHaveLength(2), soon);
  expect(Object.fromEntries(gateway.connections[1]?.query ?? [])).toEqual({
    session_id: "a",
    create: "false",
    epoch: "1",
    after: "2",
  });
  await vi.waitFor(() => expect(gateway.connections[1]?.sent[0]).toEqual({ type: "auth", token: "token 2" }), soon);
  await vi.waitFor(() => expect(client.state).toBe("open"), soon);
  gateway.send(historyOf(1, [2, 3]), frame(4));
  await vi.waitFor(() => expect(seqs).toEqual([1, 2, 3, 4]), soon);
});

test("[TR43] what happened to orders is emitted with the frame that follows, once, though the connection breaks in between", async () => {
  const gateway = await fakeGateway(() => "accept");
  const client = connectTo([gateway.url]);
  const emitted: string[] = [];
  client.events.frame.add(({ seq }) => emitted.push(`frame ${seq}`));
  client.events.order.add(({ order_id, status }) => emitted.push(`order ${order_id} ${status}`));
  client.events.fill.add(({ fill_id }) => emitted.push(`fill ${fill_id}`));
  await client.opened;
  const told: ServerMessage[] = [
    { type: "trade_event", data: fillOf("1") },
    { type: "order", data: orderOf("1") },
  ];
  gateway.send(historyOf(1, [0]), frame(1), ...told);
  await vi.waitFor(() => expect(emitted).toEqual(["frame 1"]), soon);
  gateway.disconnect(1012);
  await vi.waitFor(() => expect(gateway.connections).toHaveLength(2), soon);
  await vi.waitFor(() => expect(client.state).toBe("open"), soon);
  gateway.send(...told, historyOf(1, [2]), frame(3));
  await vi.waitFor(() => expect(emitted).toEqual(["frame 1", "fill 1", "order 1 FILLED", "frame 2", "frame 3"]), soon);
});

test("[CL24] after three refused tokens the session ends as refused", async () => {
  const gateway = await fakeGateway(() => 4401);
  const client = connectTo([gateway.url], { token: tokens() });
  await expect(client.opened).rejects.toMatchObject({ code: "UNAUTHORIZED" });
  expect(gateway.connections).toHaveLength(3);
  expect(client.ended).toMatchObject({ reason: "refused", error: { code: "UNAUTHORIZED" } });
});

test("[CL24] when getting a token fails, it is tried again", async () => {
  const gateway = await fakeGateway(() => "accept");
  const token = vi.fn(async () => "good").mockRejectedValueOnce(new Error("signed out"));
  const client = connectTo([gateway.url], { token });
  const whys: (string | undefined)[] = [];
  client.events.connection.add(({ why }) => whys.push(why));
  await client.opened;
  expect(whys).toEqual(["no token: signed out", undefined]);
});

test("[CL24] without tokens the first message is a ping, after the session message", async () => {
  const gateway = await fakeGateway(() => "accept");
  const client = connectTo([gateway.url]);
  await client.opened;
  await vi.waitFor(() => expect(gateway.connections[0]?.sent).toEqual([{ type: "ping" }]), soon);
});

test("[CL2] messages that arrive together with the first one wait for listeners that are added when open resolves", async () => {
  const gateway = await fakeGateway((message) => {
    if (!isToken(message, "token 1")) return undefined;
    // Right after the first message, before the client has had a turn.
    queueMicrotask(() => gateway.send(historyOf(1, [0, 1]), frame(2)));
    return "accept";
  });
  const client = connectTo([gateway.url], { token: tokens() });
  await client.opened;
  const seqs: number[] = [];
  client.events.history.add(({ frames }) => seqs.push(...frames.map(({ seq }) => seq)));
  client.events.frame.add(({ seq }) => seqs.push(seq));
  await vi.waitFor(() => expect(seqs).toEqual([0, 1, 2]), soon);
});

test("[CL3] messages of a socket that was given up are ignored", async () => {
  const slow = await fakeGateway(() => undefined);
  const gateway = await fakeGateway(() => "accept");
  const client = connectTo([slow.url, gateway.url], { token: tokens(), timing: { openMs: 100 } });
  await client.opened;
  const seqs: number[] = [];
  client.events.frame.add(({ seq }) => seqs.push(seq));
  slow.send({ type: "session", session: viewOf({ epoch: 99 }), node: "late", limits: {} }, frame(7));
  gateway.send(historyOf(1, [0]), frame(1));
  await vi.waitFor(() => expect(seqs).toEqual([1]), soon);
  expect(client.node).toBe("fake");
});

test("[CL5] closing in the middle of missed frames keeps the position of the last delivered one", async () => {
  const gateway = await fakeGateway(() => "accept");
  const client = connectTo([gateway.url]);
  const seqs: number[] = [];
  client.events.frame.add(({ seq }) => {
    seqs.push(seq);
    if (seq === 4) client.close();
  });
  await client.opened;
  gateway.send(historyOf(1, [0]), historyOf(1, [1, 2, 3, 4, 5, 6]));
  await vi.waitFor(() => expect(client.state).toBe("closed"), soon);
  expect(seqs).toEqual([1, 2, 3, 4]);
  expect(client.position).toEqual({ epoch: 1, seq: 4 });
  expect(client.stats.framesReceived).toBe(4);
});

test("[CL42] frames that arrived before the end are delivered before it, and nothing after it", async () => {
  const gateway = await fakeGateway(() => "accept");
  const client = connectTo([gateway.url], { token: tokens() });
  await client.opened;
  const events: string[] = [];
  client.events.frame.add(({ seq }) => events.push(`frame ${seq}`));
  client.events.end.add(({ reason }) => events.push(reason));
  gateway.send(historyOf(1, [0]), frame(1));
  gateway.disconnect(4404);
  await vi.waitFor(() => expect(events).toEqual(["frame 1", "expired"]), soon);
  await expect(client.command("pause")).rejects.toMatchObject({ code: "SESSION_NOT_FOUND" });
});

/** Frames at an even pace, as a playing session sends them, until the client has `count` of them. Returns a function that stops them. */
async function playTo(
  client: SessionClient,
  gateway: FakeGateway,
  everyMs: number,
  count: number,
): Promise<() => void> {
  let seq = 0;
  gateway.send(historyOf(1, [seq]));
  const timer = setInterval(() => gateway.send(frame(++seq)), everyMs);
  open.push({ close: () => clearInterval(timer) });
  await vi.waitFor(() => expect(client.stats.framesReceived).toBeGreaterThanOrEqual(count), soon);
  return () => clearInterval(timer);
}

test("[CL36] [CL28] when a gateway freezes, the session continues at the next address with the next frame", async () => {
  const [frozen, other] = [await fakeGateway(() => "accept"), await fakeGateway(() => "accept")];
  const client = connectTo([frozen.url, other.url]);
  const lost: (string | undefined)[] = [];
  client.events.connection.add(({ why, retryInMs }) => why !== undefined && lost.push(`${why}, ${retryInMs}`));
  await client.opened;
  const stop = await playTo(client, frozen, 50, 10);
  frozen.freeze();
  stop();
  const { seq } = client.position;
  const fault = performance.now();
  await vi.waitFor(() => expect(other.connections).toHaveLength(1), soon);
  expect(performance.now() - fault).toBeGreaterThan(1000);
  expect(lost).toEqual(["the network is silent, 0"]);
  expect(other.connections[0]?.query.get("after")).toBe(`${client.position.seq}`);
  expect(client.position.seq).toBeGreaterThanOrEqual(seq);
});

test("[CL36] an address that accepts and says nothing is left for the next one", async () => {
  const [frozen, other] = [await fakeGateway(() => "accept"), await fakeGateway(() => "accept")];
  frozen.freeze();
  const began = performance.now();
  const client = connectTo([frozen.url, other.url]);
  await client.opened;
  expect(performance.now() - began).toBeGreaterThan(900);
  expect(client.node).toBe("fake");
  expect(other.connections).toHaveLength(1);
});

test("[CL29] a quiet session whose pings are answered stays, with few pings", async () => {
  const gateway = await fakeGateway(() => "accept");
  const client = connectTo([gateway.url], { timing: { pingMs: 50, answerMs: 100 } });
  await client.opened;
  const stop = await playTo(client, gateway, 10, 10);
  stop();
  const pings = () => gateway.connections[0]?.sent.length ?? 0;
  await vi.waitFor(() => expect(pings()).toBeGreaterThanOrEqual(4), soon);
  await new Promise((resolve) => setTimeout(resolve, 1000));
  expect(pings()).toBeLessThan(10); // 20 at an even pace
  expect(gateway.connections).toHaveLength(1);
  expect(client.state).toBe("open");
});

test("[CL37] a program that stands still does not blame the node: the messages that arrived meanwhile count", async () => {
  const gateway = await fakeGateway(() => "accept");
  const client = connectTo([gateway.url], { timing: { pingMs: 20, answerMs: 200 } });
  await client.opened;
  const stop = await playTo(client, gateway, 10, 10);
  stop();
  const pings = () => gateway.connections[0]?.sent.length ?? 0;
  for (let still = 0; still < 3; still++) {
    const before = pings();
    await vi.waitFor(() => expect(pings()).toBeGreaterThan(before), soon);
    // The ping is under way. Its answer comes while nothing of this program runs.
    const until = performance.now() + 500;
    while (performance.now() < until);
    gateway.send(frame(1000 + still));
  }
  await vi.waitFor(() => expect(client.position.seq).toBe(1002), soon);
  expect(gateway.connections).toHaveLength(1);
});
