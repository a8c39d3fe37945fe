import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FolderTapeStore } from "@tapedeck/tape";
import { expect, inject, test } from "vitest";
import { WebSocket } from "ws";
import { importSmallRecording } from "../../services/api/src/testing/small-recording.js";
import { startTestVenue } from "../../services/venue/src/testing/start-venue.js";
import { venueSessions } from "../../services/venue/src/testing/venue-sessions.js";

test("[VN35] sockets are pinged, and one that answers no ping is closed while others stay open", async ({
  onTestFinished,
}) => {
  const folder = await mkdtemp(join(tmpdir(), "tapedeck-venue-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await importSmallRecording(new FolderTapeStore(folder));
  const [redisUrl, prefix] = [inject("redisUrl"), `test-${process.pid}-silent`];
  const venue = await startTestVenue({ redisUrl, store: folder, prefix, env: { PING_MS: "1000" } });
  onTestFinished(() => venue.end());
  const deck = venueSessions({ redisUrl, prefix, folder, defaultTape: "small" });
  onTestFinished(() => deck.stop());
  await deck.sessions.open("s1", {});

  const url = `${venue.url.replace(/^http/, "ws")}/venue/binance/s1/ws/btcusdt@depth`;
  const answering = new WebSocket(url);
  const silent = new WebSocket(url, { autoPong: false });
  let pings = 0;
  answering.on("ping", () => pings++);
  await Promise.all([once(answering, "open"), once(silent, "open")]);
  await once(silent, "close");
  expect(silent.readyState).toBe(WebSocket.CLOSED);
  expect(answering.readyState).toBe(WebSocket.OPEN);
  expect(pings).toBeGreaterThanOrEqual(3);
  answering.close();
  await once(answering, "close");
});
