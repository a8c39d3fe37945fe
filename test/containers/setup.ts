import type { TestProject } from "vitest/node";
import { Bases } from "./bases.js";
import { type Engine, NoEngine, someEngine } from "./engine.js";

declare module "vitest" {
  export interface ProvidedContext {
    /** A Docker engine, and the images that ours are made from; or why there is none. */
    containers:
      | { readonly env: NodeJS.ProcessEnv; readonly images: Bases["images"]; readonly missing?: undefined }
      | { readonly missing: string };
  }
}

/** Gives the run a Docker engine and base images, or says loudly why its tests are skipped. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  let engine: Engine | undefined;
  try {
    engine = await someEngine();
    const bases = await Bases.of(engine);
    if (bases.made.length > 0) {
      console.warn(`IMAGES COULD NOT BE PULLED: stand-ins are made of Debian's packages: ${bases.made.join(", ")}`);
    }
    project.provide("containers", { env: engine.env, images: bases.images });
  } catch (error) {
    if (!(error instanceof NoEngine)) {
      await engine?.stop();
      throw error;
    }
    process.stderr.write(`SKIPPED: the test of docker-compose.yml in containers, since ${error.message}\n`);
    project.provide("containers", { missing: error.message });
  }
  return async () => engine?.stop();
}
