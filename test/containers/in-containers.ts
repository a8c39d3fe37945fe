import { test as base } from "vitest";
import { note } from "../support/note.js";
import { Bases } from "./bases.js";
import { NoEngine, someEngine } from "./engine.js";
import { ComposeProject } from "./project.js";

/**
 * Tests that share docker-compose.yml running in containers: `test("...", async ({ project }) => ...)`. Where no engine can be had they
 * are skipped, and say why. All is made when the first one asks for it.
 */
export const test = base.extend<{ found: ComposeProject | NoEngine; project: ComposeProject }>({
  found: [
    // biome-ignore lint/correctness/noEmptyPattern: vitest reads the names of the fixtures needed from this pattern
    async ({}, use) => {
      const engine = await someEngine().catch(noEngine);
      if (engine instanceof NoEngine) return use(engine);
      try {
        const bases = await Bases.of(engine).catch(noBases);
        if (bases instanceof NoEngine) return await use(bases);
        if (bases.made.length > 0) {
          console.warn(`IMAGES CANNOT BE PULLED: stand-ins are built from Debian packages: ${bases.made.join(", ")}`);
        }
        const project = await ComposeProject.create({ env: engine.env, images: bases.images });
        try {
          await start(project);
          await use(project);
        } finally {
          if (process.env.TAPEDECK_KEEP_LOGS) console.log(await project.logs());
          await project.remove();
        }
      } finally {
        await engine.stop();
      }
    },
    { scope: "file" },
  ],
  project: async ({ found, skip }, use) => {
    if (found instanceof NoEngine) return skip(found.message);
    await use(found);
  },
});

async function start(project: ComposeProject): Promise<void> {
  const began = performance.now();
  await project.build();
  const built = performance.now();
  await project.up();
  await project.until(async () => (await project.answers("/tapes"))?.includes('"demo') === true, "the demo tape");
  const ms = (from: number, to: number) => Math.round(to - from);
  note(`containers: built in ${ms(began, built)} ms, up with a tape in ${ms(built, performance.now())} ms`);
}

/** Without a network there is nothing to make an image from. */
function noBases(error: unknown): NoEngine {
  return noEngine(new NoEngine(`base images can neither be pulled nor made here: ${error}`));
}

function noEngine(error: unknown): NoEngine {
  if (!(error instanceof NoEngine)) throw error;
  process.stderr.write(`SKIPPED: the test of docker-compose.yml in containers, since ${error.message}\n`);
  return error;
}
