import { type TestClusterOptions, testOnCluster } from "../support/cluster.js";
import { pythonEnvironment } from "./python-environment.js";
import { PythonViewers } from "./python-viewers.js";

const environment = await pythonEnvironment();
if ("missing" in environment) console.warn(`SKIPPED: the tests of the Python client, because ${environment.missing}`);

/** Without one, the tests are skipped. */
export const havePython = "python" in environment;
/** The program. */
export const python = "python" in environment ? environment.python : "";

/** Tests that share a cluster, each with a Python process of its own. */
export function pythonTestOnCluster(options?: () => TestClusterOptions) {
  return testOnCluster(options).extend<{ viewers: PythonViewers }>({
    // biome-ignore lint/correctness/noEmptyPattern: vitest reads the names of the fixtures needed from this pattern
    viewers: async ({}, use) => {
      const viewers = new PythonViewers(python);
      await use(viewers);
      await viewers.close();
    },
  });
}
