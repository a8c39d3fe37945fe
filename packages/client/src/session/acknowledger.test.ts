import { expect, test } from "vitest";
import WebSocket from "ws";
import { soon } from "../../../../test/support/soon.js";
import { defaultTiming } from "../connection/connection-machine.js";
import type { Position } from "../frames/frame-sequencer.js";
import { tapedeck } from "../tapedeck.js";
import { FakeGateway } from "../testing/fake-gateway.js";
import { frame, historyOf, viewOf } from "../testing/messages.js";
import { Acknowledger } from "./acknowledger.js";
import { Session } from "./session.js";
import { SessionClient } from "./session-client.js";

const at = (seq: number): Position => ({ epoch: 1, seq });

function deferred() {
  let settle = { resolve: () => {}, reject: (_: Error) => {} };
  const promise = new Promise<void>((resolve, reject) => {
    settle = { resolve, reject };
  });
  return { promise, ...settle };
}

test("[LP20] frames are acknowledged in order, each when its work and that of all before it has settled, also by rejection", async () => {
  const sent: number[] = [];
  const acknowledger = new Acknowledger(({ seq }) => sent.push(seq));
  const [first, third] = [deferred(), deferred()];
  acknowledger.delivered(at(0), [], 1);
  expect(sent).toEqual([0]);
  acknowledger.delivered(at(1), [first.promise], 1);
  acknowledger.delivered(at(2), [], 1);
  acknowledger.delivered(at(3), [third.promise], 1);
  third.reject(new Error("a handler failed"));
  await new Promise(setImmediate);
  expect(sent).toEqual([0]);
  first.resolve();
  await expect.poll(() => sent.length, soon).toBe(4);
  expect(sent).toEqual([0, 1, 2, 3]);
  expect(acknowledger.handled).toEqual(at(3));
});

test("[LP20] with a wide window those that are handled together share one acknowledgement", async () => {
  const sent: number[] = [];
  const acknowledger = new Acknowledger(({ seq }) => sent.push(seq));
  for (let seq = 0; seq < 10; seq++) acknowledger.delivered(at(seq), [], 100);
  await expect.poll(() => sent.length, soon).toBe(2);
  expect(sent).toEqual([0, 9]);
  for (let seq = 10; seq < 60; seq++) acknowledger.delivered(at(seq), [], 100);
  expect(sent).toEqual([0, 9, 34, 59]);
  acknowledger.stop();
});

test("[LP20] [LP21] a loop over frames acknowledges each when it asks for the next; after a lost connection the reader has the same name", async () => {
  const gateway = await FakeGateway.open(() => "accept");
  const rules = { ...defaultTiming, backoffMs: 10, maxBackoffMs: 20, addresses: 1, freshTokens: true };
  const client = new SessionClient({
    ...{ WebSocket, rules, token: undefined, sockets: [gateway.url], view: viewOf({ epoch: 1 }), position: undefined },
    acknowledges: true,
  });
  await client.opened;
  const session = new Session(client, tapedeck({ url: "http://localhost:8000" }).trading("s"));
  const frames = session.frames();
  const acks = (connection = 0) =>
    gateway.connections[connection]?.sent.filter((message) => JSON.stringify(message).includes("ack_frame"));
  gateway.send(historyOf(1, [4, 5]), frame(6), frame(7));
  await expect.poll(() => acks()?.length, soon).toBe(1);
  expect(acks()).toEqual([{ type: "ack_frame", epoch: 1, seq: 5 }]);
  await frames.next();
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(acks()).toHaveLength(1); // the loop works on frame 6
  await frames.next();
  await expect.poll(() => acks()?.length, soon).toBe(2);
  expect(acks()?.[1]).toEqual({ type: "ack_frame", epoch: 1, seq: 6 });
  gateway.disconnect(1012);
  await expect.poll(() => gateway.connections.length, soon).toBe(2);
  const [first, second] = gateway.connections.map(({ query }) => query);
  expect(first?.get("reader")).toMatch(/^[a-z0-9]{8,64}$/);
  expect(second?.get("reader")).toBe(first?.get("reader"));
  expect([second?.get("after"), second?.get("acked")]).toEqual(["7", "6"]);
  await expect.poll(() => acks(1)?.length, soon).toBe(1); // it may not have arrived before
  void frames.return?.();
  await expect.poll(() => acks(1)?.length, soon).toBe(2);
  expect(acks(1)?.[1]).toEqual({ type: "ack_frame", epoch: 1, seq: 7 });
  client.close();
  await gateway.close();
});
