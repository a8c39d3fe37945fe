import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Cluster, type ClusterOptions, startCluster } from "@tapedeck/cli";
import { type RecordingName, Tapes } from "../support/tapes.js";

/** A cluster with real recordings, for benchmarks and screenshots outside the test runner. */
export interface Staged {
  readonly cluster: Cluster;
  create(body: Record<string, unknown>): Promise<string>;
  control(id: string, action: string, body?: unknown): Promise<void>;
  stop(): Promise<void>;
}

export async function stage(
  recordings: readonly RecordingName[],
  { env, ...counts }: Pick<ClusterOptions, "env" | "feeds"> = {},
): Promise<Staged> {
  const folder = await mkdtemp(join(tmpdir(), "tapedeck-staged-"));
  const tapes = new Tapes(join(folder, "tapes"));
  for (const name of recordings) await tapes.recorded(name);
  const cluster = await startCluster({
    port: 0,
    prefix: "tapedeck",
    store: tapes.folder,
    folder,
    apis: 1,
    tickers: 1,
    feeds: 0,
    ...counts,
    env: { ...env, all: { SIMULATION_WARM_UP: "off", ...(recordings[0] && { DEFAULT_TAPE: recordings[0] }) } },
  });
  const post = async (path: string, body?: unknown): Promise<void> => {
    const answer = await fetch(`${cluster.url}${path}`, { method: "POST", body: JSON.stringify(body ?? {}) });
    if (!answer.ok) throw new Error(`${path}: ${await answer.text()}`);
  };
  let made = 0;
  return {
    cluster,
    async create(body) {
      const id = `staged-${++made}`;
      await post("/sessions/create", { session_id: id, ...body });
      return id;
    },
    control: (id, action, body) => post(`/replay/${id}/${action}`, body),
    async stop() {
      await cluster.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
