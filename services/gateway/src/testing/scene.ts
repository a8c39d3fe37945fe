import type { SessionRecord } from "@tapedeck/sessions";
import type { TestTapeOptions } from "@tapedeck/tape/testing";
import { startTestCluster, type TestCluster, type TestGateway } from "./test-gateway.js";

export interface Scene {
  readonly cluster: TestCluster;
  readonly gateway: TestGateway;
  /** A session that stands paused at a frame, so that a test can play its ticker. */
  standing(at?: number, choice?: Parameters<TestCluster["sessions"]["open"]>[1]): Promise<SessionRecord>;
  newId(): string;
  stop(): Promise<void>;
}

/** A cluster with one gateway and one tape for the tests of a file. */
export async function openScene(redisUrl: string, tape: TestTapeOptions = { frames: 1000 }): Promise<Scene> {
  const cluster = await startTestCluster(redisUrl);
  await cluster.tape(tape);
  const gateway = await cluster.gateway();
  let nth = 0;
  const newId = () => `session_${++nth}`;
  return {
    cluster,
    gateway,
    newId,
    standing: async (at = 0, choice = {}) => {
      const id = newId();
      await cluster.sessions.open(id, { start: true, ...choice });
      await cluster.sessions.perform(id, { type: "pause" });
      return (await cluster.sessions.perform(id, { type: "seek", to: { seq: at } })).record;
    },
    stop: () => cluster.stop(),
  };
}
