import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { tapeDeletion, tapesAnswer } from "@tapedeck/protocol";
import { FolderTapeStore } from "@tapedeck/tape";
import { writeTestTape } from "@tapedeck/tape/testing";
import { SignJWT } from "jose";
import { afterEach, beforeEach, describe, expect, inject, test } from "vitest";
import { startTestApi, type TestApi, type TestApiOptions } from "../testing/start-api.js";

const secret = "a secret of at least thirty-two bytes";
let folder = "";
let store: FolderTapeStore;
const nodes: TestApi[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "tapedeck-api-"));
  store = new FolderTapeStore(folder);
  for (const id of ["btc", "btc", "eth"]) await writeTestTape(store, { id, frames: 200 });
});
afterEach(async () => {
  for (const node of nodes.splice(0)) await node.stop();
  await rm(folder, { recursive: true });
});

async function start(options: Partial<TestApiOptions> = {}): Promise<TestApi> {
  const node = await startTestApi({ redisUrl: inject("redisUrl"), tapes: store, ...options });
  nodes.push(node);
  return node;
}

async function as(role: string): Promise<Record<string, string>> {
  const token = new SignJWT({ role }).setProtectedHeader({ alg: "HS256" }).setSubject("ada").setExpirationTime("1m");
  return { authorization: `Bearer ${await token.sign(new TextEncoder().encode(secret))}` };
}

test("[A110] versions are listed with their sizes when they are asked for", async () => {
  const api = await start();
  const list = async (query: string) => tapesAnswer.parse((await api.ask("GET", `/tapes${query}`)).json).tapes;
  for (const tape of await list("")) expect(tape).not.toHaveProperty("versions");
  const [btc, eth] = await list("?versions=true");
  expect(eth?.versions).toMatchObject([{ version: 1, current: true, bytes: eth?.bytes }]);
  expect(btc?.versions).toMatchObject([
    { version: 2, current: true },
    { version: 1, current: false },
  ]);
  expect((await api.ask("GET", "/tapes/btc@1?versions=true")).json).toMatchObject({
    version: 1,
    versions: btc?.versions,
  });
  expect(await api.ask("GET", "/tapes?versions=1")).toMatchObject({ status: 422 });
});

describe("[A111] deleting", () => {
  test("a version, and a tape with all its versions, which says what is free again", async () => {
    const api = await start();
    const [{ bytes } = expect.fail()] = tapesAnswer.parse((await api.ask("GET", "/tapes")).json).tapes;
    const older = await api.ask("DELETE", "/tapes/btc@1");
    expect(older).toMatchObject({ status: 200 });
    expect(tapeDeletion.parse(older.json)).toMatchObject({
      message: "Tape btc@1 is deleted.",
      deleted: [{ name: "btc@1" }],
    });
    await writeTestTape(store, { id: "eth", frames: 200 });
    expect((await api.ask("DELETE", "/tapes/eth")).json).toEqual({
      status: "success",
      message: "Tape eth with 2 versions is deleted.",
      deleted: [
        { name: "eth@2", bytes },
        { name: "eth@1", bytes },
      ],
      freed_bytes: 2 * bytes,
    });
    expect((await readdir(join(folder, "eth"))).filter((name) => name !== "current.json")).toEqual([]);
    for (const gone of ["eth", "eth@1", "btc@1", "sim.calm.1.BTCUSDT"]) {
      expect(await api.ask("DELETE", `/tapes/${gone}`)).toMatchObject({ status: 404 });
      if (!gone.startsWith("sim")) expect(await api.ask("GET", `/tapes/${gone}`)).toMatchObject({ status: 404 });
    }
  });

  test("is for admins, and has an audit entry that names the tape", async () => {
    const api = await start({ access: { AUTH_JWT_SECRET: secret, AUDIT_STREAM: "1000" } });
    await api.redis.ping(); // the stream has what happens while Redis is connected
    expect(await api.ask("DELETE", "/tapes/eth")).toMatchObject({ status: 401 });
    expect(await api.ask("DELETE", "/tapes/eth", { headers: await as("controller") })).toMatchObject({ status: 403 });
    expect(await api.ask("DELETE", "/tapes/eth@1", { headers: await as("admin") })).toMatchObject({ status: 409 });
    expect(await api.ask("DELETE", "/tapes/eth", { headers: await as("admin") })).toMatchObject({ status: 200 });
    const entries = (await api.redis.xrange(api.keys.audit, "-", "+")).map(([, flat]) => flat.join(" "));
    await api.redis.del(api.keys.audit);
    expect(entries).toHaveLength(4);
    for (const [nth, text] of ["refusal", "refusal", "TAPE_IN_USE", "ok"].entries()) {
      expect(entries[nth]).toContain(text);
      expect(entries[nth]).toContain(nth === 2 ? "tape eth@1" : "tape eth");
      expect(entries[nth]).not.toContain("session");
    }
    expect(entries[3]).toContain("event deletion action delete_tape result ok user ada role admin");
  });
});

describe("[A112] without force", () => {
  test("a tape that sessions play, or return to, is kept; the refusal says how many they are", async () => {
    const api = await start();
    const create = (tape: string) => api.ask("POST", "/sessions/create", { body: { tape } });
    for (const tape of ["btc@1", "btc", "eth"]) expect(await create(tape)).toMatchObject({ status: 200 });
    await api.ask("POST", "/sessions/create", { body: { tape: "btc", session_id: "away" } });
    expect(await api.ask("POST", "/mode/away", { body: { mode: "SIMULATION" } })).toMatchObject({ status: 200 });
    const refused = async (path: string, message: string) => {
      const answer = await api.ask("DELETE", path);
      expect(answer).toMatchObject({ status: 409 });
      expect(answer.json).toMatchObject({ code: "TAPE_IN_USE", message });
    };
    const end = "Nothing was deleted; deleting it has to be forced.";
    await refused(
      "/tapes/btc",
      `Tape btc is in use: 2 sessions play it, and 1 session would return to it from another mode. ${end}`,
    );
    await refused("/tapes/eth", `Tape eth is in use: 1 session plays it. ${end}`);
    await refused("/tapes/btc@1", `Tape btc@1 is in use: 1 session plays it. ${end}`);
    expect(await store.versions("btc")).toEqual([1, 2]);
    expect(await api.ask("DELETE", "/tapes/btc?force=true")).toMatchObject({ status: 200 });
    expect(await store.ids()).toEqual(["eth"]);
    expect(await api.ask("DELETE", "/tapes/eth?force=yes")).toMatchObject({ status: 422 });
  });

  test("the current version is kept where its number names it", async () => {
    const api = await start();
    expect((await api.ask("DELETE", "/tapes/btc@2")).json).toMatchObject({
      code: "TAPE_IN_USE",
      message: expect.stringContaining("Tape btc@2 is the current version of btc"),
    });
    expect(await api.ask("DELETE", "/tapes/btc@2?force=true")).toMatchObject({ status: 200 });
    expect((await api.ask("GET", "/tapes/btc")).json).toMatchObject({ version: 1 });
  });
});

test("[A113] an open service that others can reach deletes nothing", async () => {
  const WITHOUT_AUTHENTICATION = "anyone-may-use-this-cluster";
  const api = await start({ access: { WITHOUT_AUTHENTICATION } });
  expect((await api.ask("DELETE", "/tapes/eth?force=true")).json).toMatchObject({
    code: "FORBIDDEN",
    message: expect.stringContaining("needs authentication"),
  });
  expect(await store.ids()).toEqual(["btc", "eth"]);
});
