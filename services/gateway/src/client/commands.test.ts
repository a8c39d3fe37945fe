import { serverMessage } from "@tapedeck/protocol";
import { afterAll, expect, inject, test } from "vitest";
import { openGatewayFixture } from "../testing/test-cluster.js";

const fixture = await openGatewayFixture(inject("redisUrl"));
afterAll(() => fixture.stop());

test("[G30] a command is acknowledged by its id with the session's new view", async () => {
  const id = fixture.newId();
  const client = await fixture.gateway.client(`/ws/${id}`);
  const ack = await client.command("pause");
  expect(ack).toMatchObject({ type: "ack", session: { session_id: id, state: "PAUSED" } });
  const sought = await client.command("seek", { seq: 300 });
  expect(sought).toMatchObject({ session: { controller_state: { cursor_seq: 300 } } });
  expect((await fixture.cluster.store.read(id))?.record).toMatchObject({ state: "PAUSED", anchorSeq: 300 });
  await client.untilSeq(300);
  for (const { text } of client.messages) serverMessage.parse(JSON.parse(text));
});

test("[G30] commands sent together take effect and are answered in their order", async () => {
  const client = await fixture.gateway.client(`/ws/${fixture.newId()}`);
  await client.untilType("history");
  const commands = ["pause", "start", "pause", "nonsense", "resume", "stop", "speed", "seek"];
  const args: Record<string, object> = { speed: { value: 5000 }, seek: { seq: 99_999_999 } };
  commands.forEach((command, id) => {
    client.send({ type: "command", id, command, ...(args[command] ?? {}) });
  });
  await client.until(() => client.of("ack").length + client.of("error").length === commands.length);
  const answers = client.messages.filter(({ type }) => type === "ack" || type === "error");
  expect(answers.map(({ id, type }) => `${id} ${type}`)).toEqual(
    commands.map((command, id) => `${id} ${command === "nonsense" || command === "speed" ? "error" : "ack"}`),
  );
  const states = client.of("ack").map(({ session }) => JSON.stringify(session).match(/"state":"(\w+)"/)?.[1]);
  expect(states.slice(0, 5)).toEqual(["PAUSED", "PLAYING", "PAUSED", "PLAYING", "STOPPED"]);
});

test("[G30] no frame of the old epoch follows an ack with a new epoch", async () => {
  const record = await fixture.pausedSession(10);
  const client = await fixture.gateway.client(`/ws/${record.id}`);
  await client.untilType("history");
  let stop = false;
  let last = 10;
  const publishing = (async () => {
    while (!stop && last < 900) await fixture.cluster.publish(record, last, ++last);
  })();
  await client.untilSeq(15);
  await client.command("seek", { seq: 950 });
  stop = true;
  await publishing;
  await client.untilSeq(950);
  const ack = client.types.indexOf("ack");
  const after = client.messages.slice(ack + 1).filter(({ type }) => type === "snapshot");
  expect(after.every(({ seq }) => seq === 950)).toBe(true);
});

test("[A96] a search stops when its socket closes, and the user's next one runs", async () => {
  const id = fixture.newId();
  await fixture.cluster.sessions.open(id, { mode: "SIMULATION", seed: 5, scenario: "calm" });
  const leaving = await fixture.gateway.client(`/ws/${id}`);
  const staying = await fixture.gateway.client(`/ws/${(await fixture.pausedSession()).id}`);
  leaving.send({ type: "command", id: 1, command: "seek", event: "next", event_type: "DATA_VALIDATION_ERROR" });
  leaving.send({ type: "ping" });
  await leaving.untilType("pong"); // the search has begun
  const found = staying.command("seek", { event: "next" });
  leaving.terminate();
  expect(await found).toMatchObject({ type: "ack", session: { controller_state: { cursor_seq: 49 } } });
  await expect.poll(() => fixture.gateway.commands("seek", "CLIENT_GONE")).toBe(1);
});

test("[G31] every socket of a session on every node gets each change, also those of other clients", async () => {
  const other = await fixture.cluster.gateway();
  const id = fixture.newId();
  const here1 = await fixture.gateway.client(`/ws/${id}`);
  const there = await other.client(`/ws/${id}`);
  await Promise.all([here1, there].map((client) => client.untilType("history")));
  await here1.command("speed", { value: 2.5 });
  await Promise.all([here1, there].map((client) => client.untilType("state")));
  expect(here1.of("state")[0]).toMatchObject({ cause: "command", session: { speed: 2.5 } });
  expect(there.of("state")[0]).toMatchObject({
    cause: "command",
    session: { speed: 2.5, connections: expect.any(Number) },
  });
  await fixture.cluster.sessions.perform(id, { type: "claim", node: "t1" });
  await fixture.cluster.sessions.perform(id, { type: "release", node: "t1", epoch: 0, publishedSeq: 0 });
  await fixture.cluster.sessions.perform(id, { type: "pause" });
  await Promise.all([here1, there].map((client) => client.untilType("state", 2)));
  expect(there.of("state").map(({ cause }) => cause)).toEqual(["command", "command"]);
});

test("[G31] a command that changes nothing is acknowledged and sends no state", async () => {
  const record = await fixture.pausedSession(10);
  const client = await fixture.gateway.client(`/ws/${record.id}`);
  await client.command("pause");
  await client.command("pause");
  expect(client.of("ack")).toHaveLength(2);
  expect(client.of("state")).toHaveLength(0);
});

test("[G32] an invalid message is answered by an error and changes nothing", async () => {
  const client = await fixture.gateway.client(`/ws/${fixture.newId()}`);
  await client.untilType("history");
  const odd = [
    "",
    "{",
    "null",
    "[]",
    "7",
    '"x"',
    '{"type":"subscribe"}',
    '{"type":"command"}',
    Buffer.from([0, 255, 1]),
  ];
  for (const message of odd) client.send(message);
  client.send({ type: "command", id: "a", command: "fly" });
  client.send({ type: "command", id: "b", command: "speed", value: 5000 });
  client.send({ type: "command", id: "c", command: "speed", value: "fast" });
  client.send({ type: "command", id: { deep: 1 }, command: "pause" });
  await client.untilType("error", odd.length + 4);
  const byId = (id: string) => client.of("error").find((error) => error.id === id);
  expect(byId("a")).toMatchObject({ code: "MALFORMED" });
  expect(byId("b")).toMatchObject({ code: "INVALID_VALUE" });
  expect(byId("c")).toMatchObject({ code: "MALFORMED" });
  client.send({ type: "ping" });
  await client.untilType("pong");
  for (const { text } of client.of("error")) serverMessage.parse(JSON.parse(text));
});

test("[G32] commands above the limit of waiting ones are refused with an answer", async () => {
  const client = await fixture.gateway.client(`/ws/${fixture.newId()}`);
  await client.untilType("history");
  const sent = 180;
  for (let id = 0; id < sent; id++) client.send({ type: "command", id, command: id % 2 === 0 ? "pause" : "start" });
  await client.until(() => client.of("ack").length + client.of("error").length === sent);
  expect(client.of("ack").length).toBeGreaterThanOrEqual(64);
  expect(client.of("error").every(({ code }) => code === "TOO_MANY_REQUESTS")).toBe(true);
});

test("[G33] a legacy socket gets only history and snapshot, whatever it sends and whatever happens", async () => {
  const id = fixture.newId();
  const client = await fixture.gateway.client(`/ws/${id}`, { legacy: true });
  await client.untilType("history");
  const odd = [
    "",
    "{",
    '{"type":"ping"}',
    '{"type":"set_speed","speed":5}',
    '{"type":"ORDER","side":"buy"}',
    Buffer.alloc(99),
  ];
  for (const message of odd) client.send(message);
  client.send({ type: "command", id: 1, command: "seek", seq: 700 });
  const { sessions } = fixture.cluster;
  await sessions.perform(id, { type: "speed", value: 50 });
  await sessions.perform(id, { type: "mode", mode: "SIMULATION" });
  await sessions.perform(id, { type: "mode", mode: "REPLAY" });
  await sessions.perform(id, { type: "pause" });
  await sessions.perform(id, { type: "range", loop: true });
  const { record } = await sessions.perform(id, { type: "seek", to: { seq: 321 } });
  await client.untilSeq(321);
  await fixture.cluster.publish(record, 321, 322);
  await client.untilSeq(322);
  expect(client.types[0]).toBe("history");
  expect(new Set(client.types.slice(1))).toEqual(new Set(["snapshot"]));
  expect(client.closed).toBeUndefined();
});

const floods = [
  ["commands", false, '{"type":"command","id":1,"command":"pause"}'],
  ["invalid JSON", false, "{"],
  ["pings", false, '{"type":"ping"}'],
  ["anything from a legacy socket", true, "{"],
] as const;

test.each(floods)("[G35] a flood of %s closes its socket with 4429 and no other socket", async (_, legacy, message) => {
  const gateway = await fixture.cluster.gateway({ LIMIT_SOCKET_MESSAGES: "200/10" });
  const [flooding, quiet] = await Promise.all(
    [fixture.newId(), fixture.newId()].map((id) => gateway.client(`/ws/${id}`, { legacy })),
  );
  await Promise.all([flooding?.untilType("history"), quiet?.untilType("history")]);
  for (let nth = 0; nth < 200; nth++) quiet?.send(message);
  for (let nth = 0; nth < 5_000; nth++) flooding?.send(message);
  await flooding?.until(() => flooding.closed !== undefined);
  expect(flooding?.closed).toEqual({ code: 4429, reason: "at most 200 messages in 10 s" });
  expect(flooding?.messages.length).toBeLessThan(300);
  if (!legacy)
    await quiet?.until(() => quiet.of("error").length + quiet.of("ack").length + quiet.of("pong").length === 200);
  expect(quiet?.closed).toBeUndefined();
  await gateway.stop();
});

test("[G35] sockets of one address share a limit, which reconnecting does not reset", async () => {
  const gateway = await fixture.cluster.gateway({ LIMIT_SOCKET_MESSAGES: "1000/10", LIMIT_MESSAGES: "300/60" });
  const open = () => gateway.client(`/ws/${fixture.newId()}`);
  const first = await open();
  for (let nth = 0; nth < 290; nth++) first.send({ type: "ping" });
  await first.untilType("pong", 290);
  first.terminate();
  const second = await open();
  for (let nth = 0; nth < 100; nth++) second.send({ type: "ping" });
  await second.until(() => second.closed !== undefined);
  expect(second.closed).toEqual({ code: 4429, reason: "at most 300 messages in 60 s" });
  expect(second.of("pong").length).toBeLessThan(50);
  await gateway.stop();
});

test("[G36] a ping is answered at once, also while a frame is being generated", async () => {
  const { cluster, gateway } = fixture;
  const id = fixture.newId();
  await cluster.sessions.open(id, { mode: "SIMULATION", seed: "4711" });
  await cluster.sessions.perform(id, { type: "pause" });
  const client = await gateway.client(`/ws/${id}`);
  await client.untilType("history");
  const { record } = await cluster.sessions.perform(id, { type: "seek", to: { seq: 200_000 } });
  await client.until(() => client.messages.some(({ text }) => text.includes(`"epoch":${record.epoch}`)));
  client.send({ type: "ping" });
  await client.untilType("pong");
  expect(client.last?.epoch).not.toBe(record.epoch);
  await client.untilSeq(record.anchorSeq);
});
