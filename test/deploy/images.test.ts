import { readFileSync } from "node:fs";
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { Ajv } from "ajv";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { z } from "zod";
import { isPermitted } from "../../scripts/licences.mjs";
import { clientAt, SdkViewer } from "../support/sdk-viewer.js";
import { soon } from "../support/soon.js";
import { ImageFolders, imageNames, packageOf, root } from "./image-folders.js";

const dockerfile = readFileSync(join(root, "Dockerfile"), "utf8");
const licence = z.object({ expression: z.string().optional(), license: z.object({ id: z.string() }).optional() });
const mib = 2 ** 20;
/** CycloneDX's own schema, and those that it refers to by their files. */
const schemas = Object.fromEntries(
  ["bom-1.5", "spdx", "jsf-0.82"].map((name) => {
    const file = `${name}.SNAPSHOT.schema.json`;
    const text = readFileSync(join(root, "node_modules/@cyclonedx/cyclonedx-library/res/schema", file), "utf8");
    return [`http://cyclonedx.org/schema/${file}`, z.record(z.string(), z.unknown()).parse(JSON.parse(text))];
  }),
);
const validate = new Ajv({ strict: false, validateFormats: false, schemas }).compile({
  $ref: "http://cyclonedx.org/schema/bom-1.5.SNAPSHOT.schema.json",
});
const problemsOf = (file: object) => (validate(file) ? [] : validate.errors);
/** A test does not need the first frames sooner, and does need the start. */
const atOnce = { SIMULATION_WARM_UP: "off" };

let images: ImageFolders;
beforeAll(async () => {
  images = await ImageFolders.make();
}, 300_000);
afterAll(() => images.remove());

describe.for(imageNames)("the image %s", (image) => {
  test("[DP12] is small, and holds no compiler, formatter or log printer", async () => {
    const files = await images.files(image);
    const sizes = await Promise.all(files.map(async (file) => (await stat(file)).size));
    expect(sizes.reduce((sum, size) => sum + size)).toBeLessThan(40 * mib);
    const sources = await images.sources(image);
    expect(sources.length).toBeGreaterThan(500);
    const tools =
      /node_modules\/(typescript|@typescript|esbuild|@esbuild|js-beautify|pino-pretty|prettier|vite|vitest|tsx)\//;
    expect(sources.filter((path) => tools.test(path))).toEqual([]);
    expect(sources.filter((path) => /\.test\.|\/testing\b|\.d\.ts$/.test(path) && !path.endsWith("sdk.d.ts"))).toEqual(
      [],
    );
  });

  test("[DP14] lists exactly the packages that it contains", async () => {
    const { metadata, components } = await images.bill(image);
    const listed = [metadata.component, ...components].map(({ "bom-ref": ref }) => ref);
    const found = new Set(await Promise.all((await images.sources(image)).map(packageOf)));
    // The page comes as one file, with a list of what was bundled into it.
    const ofPage = image === "api" ? await packagesOfPage() : [];
    expect(ofPage.length > 0).toBe(image === "api");
    expect(listed.sort()).toEqual([...new Set([...found, ...ofPage])].filter((ref) => ref !== undefined).sort());
    const licences = await readFile(join(images.of(image), "licences.txt"), "utf8");
    for (const ref of listed.filter((name) => !name.startsWith("@tapedeck/"))) {
      expect(licences).toContain(`${ref.replace(/@(?=[^@]*$)/, " ")}\n`);
    }
  });

  test("[DP60] has a valid CycloneDX bill of materials with each package's licence", async () => {
    const text = await readFile(join(images.of(image), "sbom.cdx.json"), "utf8");
    expect(problemsOf(JSON.parse(text))).toEqual([]);
    expect(problemsOf({ ...JSON.parse(text), bomFormat: "SPDX" })).not.toEqual([]);
    const { components } = await images.bill(image);
    for (const { "bom-ref": ref, licenses } of components) {
      const named = licenses.map((each) => licence.parse(each));
      expect([ref, named.every((each) => isPermitted(each.expression ?? each.license?.id ?? ""))]).toEqual([ref, true]);
    }
  });

  test("[DP12] is copied only from the stage that bundles", () => {
    const stage = stageOf(image);
    const command = "COPY deploy/tapedeck /usr/local/bin/tapedeck"; // two lines of shell, for those who come in by `exec`
    expect([...stage.matchAll(/^(?:COPY|ADD|RUN) .*/gm)].map(([line]) => line)).toEqual([
      `COPY --from=build /images/${image} ./`,
      ...(image === "cli" ? [command] : []),
    ]);
  });
});

test("[DP12] nothing is installed in a stage that becomes an image", () => {
  const installing = [...dockerfile.matchAll(/^FROM \S+ AS (\S+)$/gm)].flatMap(([, name = ""]) =>
    /\b(npm|npx|yarn|apt-get)\s+(ci|install|i|add)\b/.test(stageOf(name)) ? [name] : [],
  );
  expect(installing).toEqual(["build"]);
});

test("[DP13] processes find their scripts, threads, pages and native code in their images", async () => {
  const redis = { REDIS_URL: inject("redisUrl"), TAPEDECK_PREFIX: `images-${process.pid}` };
  const settings = {
    ...redis,
    TAPEDECK_STORE: images.of("cli"),
    WITHOUT_AUTHENTICATION: "anyone-may-use-this-cluster",
  };
  // The native server in the image is for the base's C library, which this machine may not have.
  const [api, gateway] = await Promise.all([
    images.start("api", settings),
    images.start("gateway", { ...settings, ALLOW_SLOW_UWS: "1" }),
    images.start("ticker", settings),
    images.start("feed", settings),
  ]);
  const viewer = await SdkViewer.open(clientAt(api.url, { gateways: gateway.url }), { mode: "SIMULATION" });
  await viewer.session.start();
  await viewer.next(20, 60_000);
  viewer.session.close();

  for (const path of ["/", "/docs", "/docs/swagger-ui-bundle.js", "/docs/swagger-ui.css", "/sdk.js", "/sdk.d.ts"]) {
    expect([path, (await fetch(api.url + path)).status]).toEqual([path, 200]);
  }
  const board = await (await fetch(`${api.url}/admin/queues`)).text();
  const files = [...board.matchAll(/(?:src|href)="(static\/[^"]+)"/g)].map(([, path]) => `/admin/queues/${path}`);
  expect(files.length).toBeGreaterThan(3);
  for (const path of files) expect([path, (await fetch(api.url + path)).status]).toEqual([path, 200]);
});

test("[DP13] a stack trace names the lines of the sources", async () => {
  const nowhere = { TAPEDECK_STORE: "s3://tapes/none", S3_ENDPOINT: "http://127.0.0.1:1" };
  const keys = { AWS_ACCESS_KEY_ID: "none", AWS_SECRET_ACCESS_KEY: "none", AWS_REGION: "us-east-1" };
  const redis = { REDIS_URL: inject("redisUrl"), TAPEDECK_PREFIX: `images-${process.pid}-s3` };
  const { url, log } = await images.start("api", {
    ...{ ...nowhere, ...keys, ...redis, ...atOnce },
    WITHOUT_AUTHENTICATION: "anyone-may-use-this-cluster",
  });
  expect((await fetch(`${url}/tapes`)).status).toBe(503);
  await expect.poll(log, soon).toMatch(/"stack":"[^"]*packages\/tape\/src\/store\/s3-[a-z]+\.ts:\d+/);
});

test("[DP15] no installed package has a manifest with directories.bin and no bin", async () => {
  // npm 11.6.1 to 11.6.3 dies of such a manifest where a registry passes it on as it was published.
  const folders = Object.keys(lock().packages).filter((path) => path.includes("node_modules/"));
  expect(folders.length).toBeGreaterThan(500);
  const guilty = [];
  for (const folder of folders) {
    const text = await readFile(join(root, folder, "package.json"), "utf8").catch(() => undefined);
    if (text === undefined) continue; // for another platform
    const { bin, directories } = programs.parse(JSON.parse(text));
    if (directories?.bin !== undefined && bin === undefined) guilty.push(folder);
  }
  expect(guilty).toEqual([]);
});

test("[DP16] each image is labelled with its version, revision, source and time", () => {
  const runtime = stageOf("runtime");
  for (const [label, argument] of Object.entries({
    version: "VERSION",
    revision: "REVISION",
    source: "SOURCE",
    created: "CREATED",
  })) {
    expect(runtime).toContain(`org.opencontainers.image.${label}="\${${argument}}"`);
    expect(runtime).toMatch(new RegExp(`^ARG .*\\b${argument}=`, "m"));
  }
});

const programs = z.object({
  bin: z.unknown().optional(),
  directories: z.looseObject({ bin: z.unknown().optional() }).optional().catch(undefined),
});

function lock() {
  return z
    .object({ packages: z.record(z.string(), z.unknown()) })
    .parse(JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")));
}

/** The instructions of a stage, lines that go on joined. */
function stageOf(name: string): string {
  const [, stage] = new RegExp(`^FROM \\S+ AS ${name}$([\\s\\S]*?)(?=^FROM |(?![\\s\\S]))`, "m").exec(dockerfile) ?? [];
  if (stage === undefined) throw new Error(`the Dockerfile has no stage ${name}`);
  return stage.replaceAll("\\\n", " ");
}

async function packagesOfPage(): Promise<string[]> {
  const folder = join(root, "services/dashboard");
  const listed = z.array(z.object({ name: z.string(), version: z.string() }));
  const bundled = listed.parse(JSON.parse(await readFile(join(folder, "dist/packages.json"), "utf8")));
  const fonts = (await readdir(join(folder, "dist/assets"))).filter((name) => /^inter-.*\.woff2$/.test(name));
  const font = fonts.length > 0 ? [await packageOf("node_modules/@fontsource-variable/inter/package.json")] : [];
  return [...bundled.map(({ name, version }) => `${name}@${version}`), ...font].filter((ref) => ref !== undefined);
}
