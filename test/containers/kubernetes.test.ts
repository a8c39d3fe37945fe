import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { note } from "../support/note.js";
import { type Disruption, type DisruptionOutcome, rowOf, tableOf, UserLoad } from "../support/user-load.js";
import { receivedFramesOf } from "../support/watched-sessions.js";
import { KubernetesProject } from "./kubernetes-project.js";

/** Never the current context: a person names the cluster that may be used for this. */
const context = process.env.TAPEDECK_TEST_KUBE_CONTEXT ?? "";
if (context === "") {
  process.stderr.write(
    "SKIPPED: the local overlay on Kubernetes, since TAPEDECK_TEST_KUBE_CONTEXT does not name a context of kubectl.\n",
  );
}
const services = ["ticker", "feed", "gateway", "api"] as const;

describe.skipIf(context === "")("the local overlay on Kubernetes", () => {
  let project: KubernetesProject;
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "tapedeck-recording-"));
    const began = performance.now();
    project = await KubernetesProject.apply(context);
    note(`kubernetes: ready with a tape in ${Math.round(performance.now() - began)} ms`);
  }, 400_000);
  afterAll(async () => {
    await project?.remove();
    await rm(folder, { recursive: true });
  }, 200_000);

  test("[DP36] the command line lists, imports and deletes tapes in a pod that meets the restricted standard", async () => {
    expect(await project.cli("tapes")).toMatch(/^demo@1 /m);
    const rows = Array.from({ length: 20 }, (_, n) => `${1704186000000 + n * 50},${100 + n},1,${101 + n},2`);
    const recording = join(folder, "books.csv");
    await writeFile(recording, ["time,bid_price_1,bid_size_1,ask_price_1,ask_size_1", ...rows, ""].join("\n"));
    await project.copyIn(recording, "books.csv");
    await project.cli("import", "/recordings/books.csv", "--symbol", "X", "--id", "mine");
    expect((await project.balanced.get("/tapes")).body).toMatchObject({
      tapes: expect.arrayContaining([expect.objectContaining({ id: "mine" })]),
    });
    await project.cli("tapes", "delete", "mine", "--force", "--yes");
    expect(await project.cli("tapes")).not.toMatch(/^mine@/m);
  }, 200_000);

  test("[DP37] 100 watched sessions of all modes lose no frame and see none twice when any pod is deleted, killed or rolled", async () => {
    const users = await UserLoad.start(project);
    const outcomes: DisruptionOutcome[] = [];
    try {
      for (const event of events(project)) {
        const outcome = await users.during(event);
        note(`kubernetes: ${rowOf(outcome)}`);
        outcomes.push(outcome);
      }
    } finally {
      await users.stop();
    }
    note(`kubernetes:\n${tableOf(outcomes)}`);
    for (const { name, lost, repeated } of outcomes) expect([name, lost, repeated]).toEqual([name, 0, 0]);
    const seen = await project.withTapes((source) => receivedFramesOf(source, users.all));
    for (const { id, frames, truth } of seen) {
      const flaw = frames.map((frame) => truth.flaw(frame)).find((found) => found !== undefined);
      expect(flaw, `${id} receives a frame that the tape does not have`).toBeUndefined();
    }
  });
});

function events(project: KubernetesProject): Disruption[] {
  const onePod = async (service: string, ...how: string[]) => {
    const selector = ["--selector", `app.kubernetes.io/name=${service}`];
    const name = await project.kubectl("get", "pod", ...selector, "--output", "jsonpath={.items[0].metadata.name}");
    await project.kubectl("delete", "pod", name, ...how);
    await project.settled();
  };
  return [
    { name: "nothing", run: () => new Promise((resolve) => setTimeout(resolve, 3_000)) },
    ...services.map((service) => ({ name: `${service} deleted`, run: () => onePod(service) })),
    ...services.map((service) => ({
      name: `${service} killed`,
      run: () => onePod(service, "--grace-period=0", "--force"),
    })),
    { name: "redis deleted", run: () => onePod("redis") },
    {
      name: "everything rolled at once",
      run: async () => {
        await project.kubectl("rollout", "restart", "deployment");
        await project.settled();
      },
    },
  ];
}
