import { tapedeck } from "@tapedeck/client";
import { expect } from "vitest";
import WebSocket from "ws";
import { test } from "../support/cluster.js";

test("[CL1] open makes a session, and what is heard of it is what the tape holds", async ({ cluster }) => {
  const deck = tapedeck({ url: cluster.url, WebSocket });
  const session = await deck.open({ tape: "usdm" });
  const seen: number[] = [];
  session.onHistory(({ frames }) => seen.push(...frames.map(({ seq }) => seq)));
  session.onFrame(({ seq }) => seen.push(seq));
  await session.start();
  await cluster.until(() => seen.length > 20, "frames");
  session.close();
  expect(seen).toEqual(seen.map((_, nth) => nth));
});
