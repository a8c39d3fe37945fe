import { randomBytes, randomUUID } from "node:crypto";
import { once } from "node:events";
import { get, type IncomingMessage } from "node:http";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { WebSocket } from "ws";
import { z } from "zod";
import { recordedFiles } from "../../../../test/support/tapes.js";
import { VenueSocket } from "../../../../test/support/venue-socket.js";
import { type RecordedVenues, recordedVenues } from "../testing/recorded-venues.js";

const files = recordedFiles("usdm");
if (files.length === 0) process.stderr.write("\nSKIPPED: sockets of the venue on a recording, which is not there\n\n");

const node = `venue-${randomUUID()}`;
const upgrade = {
  ...{ connection: "Upgrade", upgrade: "websocket" },
  ...{ "sec-websocket-version": "13", "sec-websocket-key": randomBytes(16).toString("base64") },
};
const update = z.object({ U: z.int(), u: z.int() });

describe.skipIf(files.length === 0)("on a recording", () => {
  let rig: RecordedVenues;
  beforeAll(async () => {
    rig = await recordedVenues(inject("redisUrl"), files, {
      ...{ SLOW_BYTES: "65536", NODE_ID: node, REQUEST_WEIGHT: "100000000" },
    });
  });
  afterAll(() => rig?.stop());

  const address = (session: string) => `${rig.venues[0]?.url}/venue/binance-usdm/${session}`;

  test("[VN32] a bot that does not read is closed with 1008, and others stay", async () => {
    const { sessions } = rig.deck;
    await sessions.open("slow", {});
    const levels = ["5", "10", "20"].flatMap((count) =>
      ["", "@100ms", "@250ms", "@500ms"].map((interval) => `btcusdt@depth${count}${interval}`),
    );
    const streams = [...levels, "btcusdt@depth", "btcusdt@depth@0ms", "btcusdt@depth@100ms"].join("/");
    const reader = await VenueSocket.open(`${address("slow")}/ws/btcusdt@aggTrade`);
    const slow = new WebSocket(`${address("slow").replace(/^http/, "ws")}/stream?streams=${streams}`);
    await once(slow, "open");
    slow.pause();
    const closed = once(slow, "close");
    await sessions.perform("slow", { type: "step", by: { frames: 1_400 } });
    await reader.until(() => reader.messages.length > 100, "trades of the step");
    // It reads what the kernel has kept for it, and then that it was closed: three times that were to come.
    slow.resume();
    expect(await closed).toMatchObject([1008, expect.anything()]);
    expect(reader.closed).toBeUndefined();
    reader.close();
  });

  test("[VN32] a bot that sends requests and does not read their answers is sent away", async () => {
    const [venue] = rig.venues;
    await rig.deck.sessions.open("silent", {});
    const bot = new WebSocket(`${address("silent").replace(/^http/, "ws")}/ws-fapi/v1`);
    await once(bot, "open");
    const request = JSON.stringify({ id: 1, method: "depth", params: { symbol: "BTCUSDT", limit: 1_000 } });
    bot.send(request);
    const [book] = await once(bot, "message");
    expect(venue?.fields().sockets).toBe(1);
    bot.pause();
    // More than what the kernel keeps for it.
    for (let bytes = 0; bytes < 50_000_000; bytes += `${book}`.length) bot.send(request);
    await expect.poll(() => venue?.fields().sockets).toBe(0);
    bot.terminate();
  });

  test.each([
    ["/venue/binance-usdm/named/ws/btcusdt@depth%zz", "400"],
    ["//", "404"],
  ])("[VN33] [VN2] a socket at %s is refused with %s", async (path, status) => {
    await rig.deck.sessions.open("named", {});
    const { port } = new URL(rig.venues[0]?.url ?? "");
    const refused = get({ port, path, headers: upgrade });
    const [answer]: IncomingMessage[] = await once(refused, "response");
    expect(`${answer?.statusCode}`).toBe(status);
    answer?.resume();
  });

  test("[VN15] a new epoch begins if Redis has lost a change that bots have seen, and update ids go on growing", async () => {
    const { sessions, redis, keys, recordOf } = rig.deck;
    await sessions.open("lost", {});
    const before = (await redis.dumpBuffer(keys.session("lost"))) ?? Buffer.of();
    await sessions.perform("lost", { type: "start" });
    const bot = await VenueSocket.open(`${address("lost")}/ws/btcusdt@depth@0ms`);
    await bot.until((message) => update.safeParse(message).success, "an update of the market that plays");
    const seen = await recordOf("lost");
    await redis.restore(keys.session("lost"), 0, before, "REPLACE");
    expect(await recordOf("lost")).toMatchObject({ epoch: seen.epoch, state: expect.not.stringMatching(seen.state) });
    await breakSubscriptions();
    expect(await bot.untilClosed()).toBe(1012);
    expect((await recordOf("lost")).epoch).toBeGreaterThan(seen.epoch);
    const last = Math.max(...bot.messages.map((message) => update.parse(message).u));
    await sessions.perform("lost", { type: "start" });
    const again = await VenueSocket.open(`${address("lost")}/ws/btcusdt@depth@0ms`);
    const first = await again.until((message) => update.safeParse(message).success, "an update of the new epoch");
    expect(update.parse(first).U).toBeGreaterThan(last);
    again.close();
  });

  /** The nodes lose their connections for messages, as when Redis is replaced. */
  async function breakSubscriptions(): Promise<void> {
    const { redis } = rig.deck;
    const clients = String(await redis.client("LIST", "TYPE", "PUBSUB")).split("\n");
    const own = clients.filter((line) => line.includes(`name=${node}`));
    expect(own.length).toBeGreaterThan(0);
    for (const line of own) await redis.client("KILL", "ID", /\bid=(\d+)/.exec(line)?.[1] ?? "");
  }
});
