import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { soon } from "./test/support/soon.js";

// Tests run the sources of the workspace's packages, not what was built from them.
const conditions = ["tapedeck-source", "node", "import", "default"];

/** Threads run bundles of their sources, where the run has made them: see `test/support/thread-bundles.ts`. */
const alias = [
  {
    find: /^\.{1,2}\/(\.\.\/)*threads\/start-thread\.js$/,
    replacement: fileURLToPath(new URL("test/support/start-thread.ts", import.meta.url)),
  },
];

/** The dashboard. Most files share a cluster. */
const pages = ["test/browser/**/*.test.ts"];

/** Programs and existing clients, and attacks, on clusters of their own. */
const clients = ["test/{clients,sdk,security}/**/*.test.ts", "test/local-cluster.test.ts"];

/** In one part, since its files share an installation, which takes minutes where there is none. */
const python = ["test/python/**/*.test.ts"];

/** Tests that wait most of their time, or start no cluster. */
const quiet = [
  "test/{deploy,matching}/**/*.test.ts",
  "test/{architecture,command-line,export,export-readers,import-killed,local-redis,npm-start,supervisor-killed,terminal-output}.test.ts",
  "test/recordings/*.test.ts",
  "test/simulator/orders-at-borders.test.ts",
  "test/security/attacks/{audit-trail,held-connections}.test.ts",
  "test/sdk/{packages,tokens}.test.ts",
];

/** Faults, and live markets, whose tests wait for locks to expire, for silence to be noticed, for tapes to grow and to be finished. */
const faults = [
  "test/chaos/{clock-steps,failover,full-redis,hung-folder,outages,promoted-behind}.test.ts",
  "test/chaos/{redis-cluster-forms,sentinel,silent-bucket,silent-redis,started-without-store,suspended-process}.test.ts",
  "test/chaos/{feed,feed-events,feed-events-store}.test.ts",
  "test/chaos/{oracle,report}/*.test.ts",
  "test/cluster/{growing-track,live,live-recorded}.test.ts",
];

/** Images and docker-compose.yml on a real engine: alone, since they take the whole machine. */
const containers = "test/containers/*.test.ts";

/**
 * Each file starts processes of its own. One runs at a time, in one process: to load the modules anew for each file took a tenth of the
 * time of all tests. So a file leaves nothing behind: no process, no timer, no setting in the environment.
 */
function onClusters(name: string, include: string[], exclude: string[] = []) {
  return {
    extends: true as const,
    test: {
      name,
      include,
      exclude,
      globalSetup: ["test/support/built.ts", "test/support/redis-setup.ts"],
      testTimeout: 120_000,
      hookTimeout: 120_000,
      fileParallelism: false,
      isolate: false,
      // A selection of several parts runs the unit tests first: groups may have different numbers of workers.
      sequence: { groupOrder: 1 },
    },
  };
}

export default defineConfig({
  resolve: { conditions, alias },
  ssr: { resolve: { conditions } },
  test: {
    expect: { poll: soon },
    // A shared cluster is stopped when the process that ran the files ends.
    teardownTimeout: 30_000,
    // npm test starts the runner some twenty times: what one has transformed, by its content, the next ones read.
    experimental: { fsModuleCache: true },
    projects: [
      {
        extends: true,
        test: {
          name: "unit",
          // Files share a worker and its modules: to load them anew for each took half a second of CPU time. What a file changes it puts back.
          isolate: false,
          // vitest leaves one core free, which would halve a machine of two.
          maxWorkers: Math.max(2, availableParallelism() - 1),
          include: ["packages/*/src/**/*.test.ts", "services/*/src/**/*.test.ts"],
          globalSetup: ["test/support/redis-setup.ts", "test/support/thread-bundles.ts"],
          // Much garbage is made: with the usual 16 MB, a tenth more CPU time goes into collecting it.
          execArgv: ["--max-semi-space-size=64"],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      onClusters("cluster", ["test/**/*.test.ts"], [...pages, ...clients, ...python, ...quiet, ...faults, containers]),
      onClusters("pages", pages),
      onClusters("clients", clients, quiet),
      onClusters("python", python),
      onClusters("quiet", quiet),
      onClusters("faults", faults),
      {
        extends: true,
        test: {
          name: "containers",
          include: [containers],
          // The first test waits for an engine, images and a cluster.
          testTimeout: 900_000,
          hookTimeout: 120_000,
          fileParallelism: false,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
