import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Client as McpClient } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { z } from "zod";
import { test } from "../support/cluster.js";

const root = fileURLToPath(new URL("../../", import.meta.url));
const tsc = join(root, "node_modules/.bin/tsc");

let folder = "";
let client = "";
let cli = "";

interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command offline, so that npm asks no registry. */
async function run(cwd: string, command: string, ...args: string[]): Promise<Ran> {
  const { npm_lifecycle_event, INIT_CWD, ...inherited } = process.env;
  const env = { ...inherited, npm_config_offline: "true", npm_config_fund: "false", npm_config_audit: "false" };
  const child = spawn(command, args, { cwd, env });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (bytes: Buffer) => {
    stdout += bytes;
  });
  child.stderr.on("data", (bytes: Buffer) => {
    stderr += bytes;
  });
  const [code] = await once(child, "close");
  return { code: typeof code === "number" ? code : null, stdout, stderr };
}

async function succeeds(cwd: string, command: string, ...args: string[]): Promise<string> {
  const ran = await run(cwd, command, ...args);
  if (ran.code !== 0) throw new Error(`${command} ${args.join(" ")}: ${ran.stdout}${ran.stderr}`);
  return ran.stdout;
}

const manifestBefore = () => readFile(join(root, "packages/client/package.json"), "utf8");

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "tapedeck-packages-"));
  const before = await manifestBefore();
  await succeeds(root, "npm", "pack", "-w", "packages/client", "-w", "packages/cli", "--pack-destination", folder);
  expect(await manifestBefore()).toBe(before);
  const packed = (await readdir(folder)).map((name) => join(folder, name));
  client = packed.find((path) => path.includes("tapedeck-client-")) ?? "";
  cli = packed.find((path) => path.includes("tapedeck-cli-")) ?? "";
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A user's program. Each line that is wrong on purpose has to fail the type check. */
const program = `
import { type Frame, type SessionView, type TapedeckOptions, TapedeckError, tapedeck } from "@tapedeck/client";

const options: TapedeckOptions = { url: process.argv[2] ?? "", token: async () => "fresh", timing: { openMs: 5_000 } };
const client = tapedeck(options);
const session = await client.open({ mode: "REPLAY", speed: 10, from: new Date(0), loop: false });
const shown: SessionView = session.view;
const seqs: number[] = [];
const stop: () => void = session.onFrame((frame: Frame, { epoch }) => {
  const [[price, size] = [0, 0]] = frame.bids;
  const severities: ("low" | "medium" | "high" | "critical")[] = frame.anomalies.map(({ severity }) => severity);
  seqs.push(frame.seq + 0 * (price + size + epoch + severities.length + (frame.best_bid ?? 0)));
});
session.onEnd(({ reason, error }) => console.log(reason, error?.code ?? "no error", seqs.length > 0));
const started: SessionView = await session.start();
for await (const { seq, timestamp } of session.frames()) if (seq > 10 && timestamp !== "") break;
await session.seek({ event: "next", minSeverity: "high" }).catch((error: unknown) => {
  if (!(error instanceof TapedeckError) || error.code !== "NO_EVENT") throw error;
});
const { sessions, next_cursor } = await client.sessions.list({ state: "PLAYING" });
console.log(shown.mode, started.state, sessions.length > 0, next_cursor);
stop();
session.close();

export async function wrong(): Promise<void> {
  // @ts-expect-error there is no such mode
  await client.open({ mode: "BACKWARDS" });
  // @ts-expect-error a price is a number
  session.onFrame(({ mid_price }) => mid_price.toUpperCase());
  // @ts-expect-error a refusal has a known code
  if (new TapedeckError("offline", "").code === "NO_SUCH_CODE") return;
  // @ts-expect-error a side is buy or sell
  await session.order({ side: "hold" });
  const bid: number | null = client && shown.behind_ms;
  // @ts-expect-error it may be null
  const sure: number = bid;
  console.log(sure);
}
`;

/** The types of Node that the program needs. */
const platform = `declare const process: { readonly argv: readonly string[] };\n`;

describe("the packed SDK, in a user's project", () => {
  let project = "";
  beforeAll(async () => {
    project = join(folder, "project");
    await mkdir(project);
    await writeFile(join(project, "package.json"), JSON.stringify({ name: "theirs", type: "module", private: true }));
    await succeeds(project, "npm", "install", client);
    await writeFile(join(project, "program.ts"), program);
    await writeFile(join(project, "platform.d.ts"), platform);
  });

  test("[CL53] needs no other package", async () => {
    expect((await readdir(join(project, "node_modules"))).filter((name) => !name.startsWith("."))).toEqual([
      "@tapedeck",
    ]);
    const installed = join(project, "node_modules/@tapedeck/client");
    expect(await readdir(join(project, "node_modules/@tapedeck"))).toEqual(["client"]);
    const manifest = z
      .looseObject({ dependencies: z.unknown(), exports: z.unknown() })
      .partial()
      .parse(JSON.parse(await readFile(join(installed, "package.json"), "utf8")));
    expect(manifest.dependencies).toBeUndefined();
    expect(JSON.stringify(manifest)).not.toMatch(/protocol|tapedeck-source/);
    expect(await readFile(join(installed, "dist/sdk.d.ts"), "utf8")).not.toMatch(/\bimport\b.*["']|from ["']|\bz\./);
  });

  test.each([
    ["nodenext", { module: "nodenext", moduleResolution: "nodenext" }],
    ["bundler", { module: "esnext", moduleResolution: "bundler" }],
  ])("[CL53] passes strict TypeScript with %s resolution", async (name, resolution) => {
    const strict = {
      ...{ strict: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true, skipLibCheck: false },
      ...{ verbatimModuleSyntax: true, isolatedModules: true, target: "es2023", lib: ["es2023", "dom"], types: [] },
    };
    const config = {
      compilerOptions: { ...strict, ...resolution, outDir: name },
      files: ["program.ts", "platform.d.ts"],
    };
    await writeFile(join(project, `tsconfig.${name}.json`), JSON.stringify(config));
    expect(await run(project, tsc, "-p", `tsconfig.${name}.json`)).toEqual({ code: 0, stdout: "", stderr: "" });
  });

  test("[CL53] plays in plain Node", async ({ cluster }) => {
    const native = Number(process.versions.node.split(".")[0]) < 22 ? ["--experimental-websocket"] : [];
    const compiled = join(project, "nodenext/program.js");
    expect(existsSync(compiled)).toBe(true);
    const { code, stdout, stderr } = await run(
      project,
      process.execPath,
      "--no-warnings",
      ...native,
      compiled,
      cluster.url,
    );
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/^REPLAY PLAYING true (null|\S+)\nclosed no error true\n$/);
  });

  test("[CL52] clusters serve the SDK for pages, and its types beside it", async ({ cluster }) => {
    for (const [path, type] of [
      ["sdk.js", "text/javascript; charset=utf-8"],
      ["sdk.d.ts", "text/plain; charset=utf-8"],
    ] as const) {
      const answer = await fetch(`${cluster.url}/${path}`);
      expect([answer.status, answer.headers.get("content-type")]).toEqual([200, type]);
      const installed = join(project, "node_modules/@tapedeck/client/dist", path);
      expect(await answer.text()).toBe(await readFile(installed, "utf8"));
    }
  });
});

describe("the packed command line, installed globally", () => {
  let tapedeck = "";
  beforeAll(async () => {
    const prefix = join(folder, "global");
    await succeeds(folder, "npm", "install", "--global", "--prefix", prefix, cli);
    tapedeck = join(prefix, "bin/tapedeck");
  });

  test("[CM10] needs no other package, and includes its version and third-party licences", async () => {
    const modules = join(folder, "global/lib/node_modules");
    expect(await readdir(modules)).toEqual(["@tapedeck"]);
    const installed = join(modules, "@tapedeck/cli");
    expect((await readdir(installed)).sort()).toEqual(["LICENSE", "README.md", "bin", "dist", "package.json"]);
    expect(await succeeds(folder, tapedeck, "--version")).toBe("0.1.0\n");
    expect(await readFile(join(installed, "dist/tapedeck-licences.txt"), "utf8")).toMatch(/^commander \d/m);
  });

  test("[CM10] imports, lists and recomputes tapes in the current folder", async () => {
    const rows = Array.from({ length: 20 }, (_, n) => `${1704186000000 + n * 100},${100 + n},1,${101 + n},2`);
    const csv = ["time,bid_price_1,bid_size_1,ask_price_1,ask_size_1", ...rows, ""].join("\n");
    await writeFile(join(folder, "books.csv"), csv);
    const imported = ["import", "books.csv", "--symbol", "BTCUSDT", "--id", "mine", "--store", "tapes"];
    expect(await succeeds(folder, tapedeck, ...imported)).toMatch(/^mine@1 /m);
    expect(await succeeds(folder, tapedeck, "recompute", "mine", "--store", "tapes")).toBe("mine@2\n");
    expect(await succeeds(folder, tapedeck, "tapes", "--store", "tapes")).toMatch(/^mine@2 +BTCUSDT/m);
    const bucket = await run(folder, tapedeck, "tapes", "--store", "s3://some-bucket");
    expect([bucket.code, bucket.stdout]).toEqual([1, ""]); // the AWS SDK was loaded and found no credentials
    expect(bucket.stderr).toMatch(/^s3:\/\/some-bucket cannot be read: .*\.\n$/);
  });

  test("[CM10] works with a remote cluster", async ({ cluster }) => {
    const { id } = await cluster.watched({ speed: 2 });
    expect(await succeeds(folder, tapedeck, "sessions", "--url", cluster.url)).toContain(id);
    const watched = await succeeds(folder, tapedeck, "sessions", "watch", id, "--frames", "3", "--url", cluster.url);
    expect(watched.trim().split("\n")).toHaveLength(3);
    expect(await succeeds(folder, tapedeck, "top", "--once", "--url", cluster.url)).toMatch(/^\d+ sessions: /);
  });

  test("[CM10] [MC1] serves assistants", async ({ cluster }) => {
    const client = new McpClient({ name: "tests", version: "1" });
    await client.connect(new StdioClientTransport({ command: tapedeck, args: ["mcp", "--url", cluster.url] }));
    expect(JSON.stringify(await client.callTool({ name: "list_tapes" }))).toContain("usdm");
    await client.close();
  });

  test("[CM10] says that starting a cluster needs the repository", async () => {
    expect(await run(folder, tapedeck, "up")).toMatchObject({
      code: 1,
      stdout: "",
      stderr: expect.stringMatching(/^tapedeck up needs the services, .*: run npm start there\. .*\n$/),
    });
  });

  /** The completions that bash offers after these words. */
  async function offered(...words: string[]): Promise<string[]> {
    const script = `set -u
      source <("${tapedeck}" completion bash) || exit
      complete -p tapedeck >&2 || exit
      COMP_WORDS=(tapedeck "$@") COMP_CWORD=$#
      _tapedeck
      printf '%s\\n' "\${COMPREPLY[@]}"`;
    return (await succeeds(folder, "bash", "-c", script, "bash", ...words)).trim().split("\n").sort();
  }

  test("[CM11] bash completes commands and options, also after values and ids", async () => {
    expect(await offered("t")).toEqual(["tapes", "top"]);
    expect(await offered("sessions", "")).toEqual(["--help", "delete", "list", "show", "watch"]);
    expect(await offered("sessions", "list", "--s")).toEqual(["--state"]);
    expect(await offered("sessions", "list", "--state", "PLAYING", "--li")).toEqual(["--limit"]);
    expect(await offered("sessions", "watch", "some-id", "--fr")).toEqual(["--frames"]);
    expect(await offered("import", "tapes", "--sym")).toEqual(["--symbol"]);
    expect(await offered("completion", "b")).toEqual(["bash"]);
    expect(await offered("import", "boo")).toEqual([""]); // no completion of ours: bash completes the file name
  });

  const shells = [
    [
      "zsh",
      'autoload -U compinit && compinit -u -D; source <("$1" completion zsh); print -r -- $_comps[tapedeck]',
      /./,
    ],
    ["fish", '$argv[1] completion fish | source; complete -C "tapedeck sessions wat"', /^watch/],
  ] as const;
  for (const [shell, script, says] of shells) {
    const there = spawnSync(shell, ["-c", "true"]).status === 0;
    if (!there) console.warn(`SKIPPED: ${shell} is not installed, so its completion is not tested`);
    test.skipIf(!there)(`[CM11] ${shell} loads its completion script`, async () => {
      const args = shell === "zsh" ? ["-f", "-c", script, "zsh", tapedeck] : ["-c", script, tapedeck];
      expect(await succeeds(folder, shell, ...args)).toMatch(says);
    });
  }
});

describe("the command line in the repository", () => {
  test("[CM10] is npx tapedeck, and paths are relative to the current folder", async () => {
    expect(await succeeds(root, "npx", "--no-install", "tapedeck", "--version")).toBe("0.1.0\n");
    const docs = join(root, "docs");
    const missing = await run(docs, "npx", "--no-install", "tapedeck", "tapes", "--store", "absent");
    expect([missing.code, missing.stdout]).toEqual([1, ""]);
    expect(missing.stderr).toContain(`Folder ${docs}/absent does not exist: `);
  });
});
