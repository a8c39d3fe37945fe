import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { createServer, type RequestListener, type Server } from "node:http";
import { createServer as createTcpServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FolderTapeStore } from "@tapedeck/tape";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { programOf } from "./support/built.js";

const main = programOf("tapedeck");
/** Settings that tests must not inherit from the machine. */
const nothing = { TAPEDECK_URL: "", TAPEDECK_TOKEN: undefined, TAPEDECK_STORE: undefined, S3_ENDPOINT: undefined };

const json = { "content-type": "application/json" };
/** The metrics of a cluster without nodes. */
const noNodes = { sessions: { mode_distribution: {} }, nodes: [] };

let folder = "";
const servers: Server[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "tapedeck-line-"));
});
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
  await rm(folder, { recursive: true, force: true });
});

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function start(args: readonly string[], env: NodeJS.ProcessEnv = {}): ChildProcess {
  return spawn(process.execPath, [main, ...args], { cwd: folder, env: { ...process.env, ...nothing, ...env } });
}

async function ended(child: ChildProcess): Promise<Ended> {
  let stdout = "";
  let stderr = "";
  child.stdout?.on("data", (bytes: Buffer) => {
    stdout += bytes;
  });
  child.stderr?.on("data", (bytes: Buffer) => {
    stderr += bytes;
  });
  const [code] = await once(child, "close");
  return { code: typeof code === "number" ? code : null, stdout, stderr };
}

const tapedeck = (args: readonly string[], env?: NodeJS.ProcessEnv) => ended(start(args, env));

/** An HTTP server that is not a cluster. */
async function serving(answer: RequestListener): Promise<string> {
  const server = createServer(answer);
  servers.push(server);
  await once(server.listen(0, "127.0.0.1"), "listening");
  return addressOf(server.address());
}

/** An address where nothing listens any more. */
async function closedAddress(): Promise<string> {
  const server = createTcpServer();
  await once(server.listen(0, "127.0.0.1"), "listening");
  const url = addressOf(server.address());
  server.close();
  await once(server, "close");
  return url;
}

function addressOf(address: ReturnType<Server["address"]>): string {
  if (address === null || typeof address === "string") throw new Error("it listens on no port");
  return `http://127.0.0.1:${address.port}`;
}

describe("[CM5] invalid arguments end with exit code 2 and say what is accepted", () => {
  const cases: [args: string[], says: RegExp][] = [
    [["bogus"], /unknown command 'bogus'/],
    [[], /^Usage: tapedeck/],
    [["sessions", "list", "--bogus"], /unknown option '--bogus'/],
    [["sessions", "show"], /missing required argument 'id'/],
    [["sessions", "list", "--mode", "X"], /Allowed choices are REPLAY, LIVE, SIMULATION/],
    [["sessions", "list", "--limit", "many"], /'--limit <count>' argument 'many' is invalid.*whole number above 0/],
    [["sessions", "watch", "x", "--frames", "0"], /whole number above 0/],
    [["sessions", "list", "--url", "nonsense"], /an address such as http:\/\/localhost:8000/],
    [["sessions", "list", "--url", "http://me:secret@localhost"], /accepts a token instead/],
    [["sessions", "list", "--url", "http://localhost:8000/?session=x"], /begins with \? or #/],
    [["top", "--every", "0"], /from 0.2 to 3600/],
    [["demo", "--minutes", "x"], /from 1 to 1440/],
    [["import"], /missing required argument 'path'/],
    [["import", "x.csv", "--interval", "5y"], /a duration such as 100ms/],
    [["import", "x.csv", "--id", "../x"], /not a valid tape id/],
    [["import", "x.csv", "--date", "2024-02-30"], /a date such as 2024-07-18/],
    [["tapes", "--store", "s3://x"], /^--store: "s3:\/\/x" is neither a folder nor s3:\/\/bucket\/prefix/],
    [["completion", "tcsh"], /Allowed choices are bash, zsh, fish/],
    [["up", "more"], /too many arguments/],
  ];
  test.each(cases)("%j", async (args, says) => {
    const { code, stdout, stderr } = await tapedeck(args);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(says);
    expect(stderr).not.toMatch(/^ {4}at /m);
    if (args.length > 0) expect(stderr.trim().split("\n")).toHaveLength(1);
  });

  test("so does the variable of an option", async () => {
    const { code, stderr } = await tapedeck(["sessions", "list"], { TAPEDECK_URL: "nonsense" });
    expect(code).toBe(2);
    expect(stderr).toMatch(/'nonsense' from env 'TAPEDECK_URL' is invalid. It must be an address such as/);
  });
});

describe("[CM6] a cluster that does not answer or refuses is reported in one sentence with exit code 1", () => {
  const asking = [
    ["sessions", "list"],
    ["sessions", "show", "x"],
    ["sessions", "watch", "x"],
    ["sessions", "delete", "x"],
    ["top", "--once"],
    ["top", "--json"],
  ];

  test.each(asking)("no answer: %s %s %s", async (...args) => {
    const url = await closedAddress();
    expect(await tapedeck([...args.filter((arg) => arg !== undefined), "--url", url])).toEqual({
      code: 1,
      stdout: "",
      stderr: `Nothing answers at ${url}: start a cluster with npm start, or name one with --url.\n`,
    });
  });

  test("an unknown host, with the reason", async () => {
    const { code, stderr } = await tapedeck(["sessions", "--url", "http://unknown.invalid"]);
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^Nothing answers at http:\/\/unknown\.invalid \(.*unknown\.invalid\): start a cluster .*\n$/,
    );
  });

  const refusing = (status: number, code: string, message: string) =>
    serving((_, answer) => {
      answer.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify({ code, message }));
    });

  test("a page instead of JSON", async () => {
    const url = await serving((_, answer) => answer.writeHead(200).end("<!doctype html><h1>Welcome</h1>"));
    expect(await tapedeck(["sessions", "--url", url])).toMatchObject({
      code: 1,
      stderr:
        `${url}/sessions?limit=100 answered 200 without JSON. ` +
        `Is ${url} the address of a cluster? Name one with --url.\n`,
    });
  });

  test("an address with a wrong path", async () => {
    const url = `${await refusing(404, "ROUTE_NOT_FOUND", "There is no such route.")}/docs`;
    expect(await tapedeck(["top", "--url", url])).toMatchObject({
      code: 1,
      stderr: `There is no such route. Is ${url} the complete address of the cluster? Name it with --url.\n`,
    });
  });

  test.each([
    [401, "UNAUTHORIZED", undefined, "Set TAPEDECK_TOKEN (or --token) to your token."],
    [401, "UNAUTHORIZED", "old", "The token of TAPEDECK_TOKEN (or --token) is not accepted at URL."],
    [403, "FORBIDDEN", "theirs", "Set TAPEDECK_TOKEN (or --token) to the token of a user who is allowed to do this."],
  ])("%i %s with the token %s", async (status, code, token, hint) => {
    const url = await refusing(status, code, "That is not for everyone.");
    const ended = await tapedeck(["sessions", "--url", url], { TAPEDECK_TOKEN: token });
    expect(ended).toMatchObject({ code: 1, stderr: `That is not for everyone. ${hint.replace("URL", url)}\n` });
  });
});

describe("[CM7] a store that cannot be read or written is reported in one sentence with exit code 1", () => {
  const aws = {
    AWS_REGION: undefined,
    AWS_DEFAULT_REGION: undefined,
    AWS_ACCESS_KEY_ID: undefined,
    AWS_PROFILE: undefined,
    AWS_CONFIG_FILE: "/nonexistent",
    AWS_SHARED_CREDENTIALS_FILE: "/nonexistent",
    AWS_EC2_METADATA_DISABLED: "true",
  };
  const keys = { ...aws, AWS_REGION: "us-east-1", AWS_ACCESS_KEY_ID: "id", AWS_SECRET_ACCESS_KEY: "secret" };

  test("a bucket without a region or credentials, and one that does not answer", async () => {
    const tapes = async (env: NodeJS.ProcessEnv) => tapedeck(["tapes", "--store", "s3://some-bucket"], env);
    const away = await closedAddress();
    expect(await tapes(aws)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^s3:\/\/some-bucket cannot be read: no region is set; set AWS_REGION .*\n$/),
    });
    expect(await tapes({ ...aws, AWS_REGION: "us-east-1" })).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(
        /^s3:\/\/some-bucket cannot be read: no credentials were found; set AWS_ACCESS_KEY_ID .*\n$/,
      ),
    });
    expect(await tapes({ ...keys, S3_ENDPOINT: away })).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^s3:\/\/some-bucket cannot be read: connect ECONNREFUSED 127\.0\.0\.1:\d+\.\n$/),
    });
  });

  test("a bucket that refuses reads and writes", async () => {
    const denied = "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>";
    const endpoint = await serving((_, answer) => answer.writeHead(403, { "content-type": "text/xml" }).end(denied));
    const env = { ...keys, S3_ENDPOINT: endpoint };
    expect(await tapedeck(["tapes", "--store", "s3://some-bucket"], env)).toMatchObject({
      code: 1,
      stderr: "s3://some-bucket cannot be read: Access Denied.\n",
    });
    expect(await tapedeck(["demo", "--store", "s3://some-bucket"], env)).toMatchObject({
      code: 1,
      stderr: "s3://some-bucket cannot be written: Access Denied. No part of the tape was kept.\n",
    });
  });

  test("a folder that does not exist, and a file in its place", async () => {
    const absent = join(folder, "absent");
    const file = join(folder, "file");
    await writeFile(file, "");
    expect(await tapedeck(["tapes", "--store", absent])).toMatchObject({
      code: 1,
      stderr: `Folder ${absent} does not exist: name the folder of the tapes with --store.\n`,
    });
    expect(await tapedeck(["tapes", "--store", file])).toMatchObject({
      code: 1,
      stderr: `${file} is not a folder: name the folder of the tapes with --store.\n`,
    });
    expect(await tapedeck(["demo", "--store", join(file, "tapes")])).toMatchObject({
      code: 1,
      stderr: `Cannot begin tape demo: ${file}/tapes/demo: a file is in the place of a folder.\n`,
    });
    expect((await readdir(folder)).sort()).toEqual(["file"]);
  });

  test("a tape that does not exist, and an invalid setting", async () => {
    expect(await tapedeck(["recompute", "absent", "--store", folder])).toMatchObject({
      code: 1,
      stderr: "Tape absent does not exist.\n",
    });
    const { code, stderr } = await tapedeck(["doctor"], { REDIS_URL: "nonsense" });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^doctor cannot start: 1 problem in its environment\n {2}REDIS_URL /);
    expect(stderr).not.toMatch(/^ {4}at /m);
  });

  test("a failed import leaves no folder", async () => {
    const recording = join(folder, "broken.csv");
    const rows = ["1704186000000,100,1,101,2", "1704186000100,x,1,101,2"];
    await writeFile(recording, `time,bid_price_1,bid_size_1,ask_price_1,ask_size_1\n${rows.join("\n")}\n`);
    const store = join(folder, "new", "tapes");
    const args = ["import", recording, "--symbol", "X", "--strict", "--interval", "0", "--store", store];
    expect(await tapedeck(args)).toMatchObject({ code: 1, stderr: expect.stringContaining("line 3") });
    expect(await readdir(folder)).toEqual(["broken.csv"]);
  });

  const mayMount = spawnSync("unshare", ["-m", "mount", "-t", "tmpfs", "none", "/mnt"]).status === 0;
  if (!mayMount) console.warn("SKIPPED: read-only and full disks are not tested, because nothing can be mounted here");
  test.skipIf(!mayMount)("a read-only disk, and a full disk", async () => {
    const disk = join(folder, "disk");
    await mkdir(disk);
    const on = (mount: string) => {
      const script = `${mount} && shift && exec "$@"`;
      const demo = [process.execPath, main, "demo", "--store", `${disk}/new/tapes`];
      return ended(spawn("unshare", ["-m", "sh", "-c", script, "sh", disk, ...demo], { cwd: folder }));
    };
    expect(await on('mount -t tmpfs none "$1" && mount -o remount,ro "$1"')).toMatchObject({
      code: 1,
      stderr: `Cannot begin tape demo: ${disk}/new: the disk is read-only.\n`,
    });
    expect(await on('mount -t tmpfs -o size=64k none "$1"')).toMatchObject({
      code: 1,
      stderr:
        "Cannot write tape demo@1: the disk is full. " +
        "Nothing of this version was kept; earlier versions are unchanged.\n",
    });
  });
});

describe("[CM8] a stopped command says so, and exits with 128 plus the signal's number", () => {
  async function longRecording(): Promise<string> {
    const path = join(folder, "long.csv");
    const file = createWriteStream(path);
    file.write("time,bid_price_1,bid_size_1,ask_price_1,ask_size_1\n");
    const from = Date.UTC(2024, 0, 2, 9);
    for (let n = 0; n < 400_000; n++) {
      if (!file.write(`${from + n * 100},${100 + (n % 50)},1,${151 + (n % 40)},2\n`)) await once(file, "drain");
    }
    await once(file.end(), "finish");
    return path;
  }

  /** Resolves when the store contains a draft. */
  const working = (store: string) =>
    vi.waitUntil(
      async () => {
        const names = await readdir(store, { recursive: true }).catch(() => []);
        return names.some((name) => name.includes(".draft-"));
      },
      { timeout: 60_000, interval: 10 },
    );

  test.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)("an import, by %s, which leaves nothing behind", async (signal, code) => {
    const recording = await longRecording();
    const store = join(folder, "new", "tapes");
    const child = start(["import", recording, "--symbol", "X", "--store", store]);
    const end = ended(child);
    await working(store);
    child.kill(signal);
    child.kill(signal); // npm passes on the signal that the terminal has already sent
    expect(await end).toEqual({ code, stdout: "", stderr: "Stopped; nothing was imported.\n" });
    expect(await readdir(folder)).toEqual(["long.csv"]);
  });

  test.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)("a demo and a recomputation, by %s", async (signal, code) => {
    const store = join(folder, "tapes");
    expect(await tapedeck(["demo", "--minutes", "10", "--store", store])).toMatchObject({ code: 0 });
    for (const [args, says] of [
      [["demo", "--minutes", "1440"], "Stopped; no tape was kept.\n"],
      [["recompute", "demo"], "Stopped; the tape is unchanged.\n"],
    ] as const) {
      const child = start([...args, "--store", store]);
      const end = ended(child);
      await working(store);
      child.kill(signal);
      expect(await end).toEqual({ code, stdout: "", stderr: says });
    }
    expect(await new FolderTapeStore(store).versions("demo")).toEqual([1]);
    expect((await readdir(join(store, "demo"))).sort()).toEqual(["1", "current.json"]);
  });
});

describe("[CM8] a command that runs until it is stopped ends silently, with 128 plus the signal's number", () => {
  test.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)("top, by %s", async (signal, code) => {
    const url = await serving((_, answer) => answer.writeHead(200, json).end(JSON.stringify(noNodes)));
    const child = start(["top", "--json", "--every", "0.2", "--url", url]);
    child.stdout?.once("data", () => child.kill(signal));
    const { stderr, ...end } = await ended(child);
    expect([end.code, stderr]).toEqual([code, ""]);
    expect(JSON.parse(end.stdout.split("\n")[0] ?? "")).toEqual(noNodes);
  });
});

describe("[CM9] a command ends silently when the reader of its output leaves, as head does", () => {
  /** Runs a command whose output has no reader. */
  async function unread(args: readonly string[], env?: NodeJS.ProcessEnv): Promise<Ended> {
    const child = start(args, env);
    child.stdout?.destroy();
    return ended(child);
  }
  test("commands that read the store, and one that prints a script", async () => {
    expect(await tapedeck(["demo", "--minutes", "1", "--store", folder])).toMatchObject({ code: 0 });
    for (const args of [["tapes"], ["tapes", "--json"], ["completion", "bash"]]) {
      expect(await unread(args, { TAPEDECK_STORE: folder })).toEqual({ code: 141, stdout: "", stderr: "" });
    }
  });

  test("commands that ask a cluster, once or repeatedly", async () => {
    const url = await serving(({ url: path = "" }, answer) => {
      const body = path.startsWith("/metrics") ? noNodes : { sessions: [], next_cursor: null };
      answer.writeHead(200, json).end(JSON.stringify(body));
    });
    for (const args of [
      ["sessions", "list"],
      ["sessions", "--json"],
      ["top", "--once"],
      ["top", "--json"],
    ]) {
      expect(await unread([...args, "--url", url])).toEqual({ code: 141, stdout: "", stderr: "" });
    }
  });

  test("in a shell, with head", async () => {
    const line = `set -o pipefail; "${process.execPath}" "${main}" completion fish | head -1; echo \${PIPESTATUS[*]}`;
    const { stdout, stderr } = await ended(spawn("bash", ["-c", line], { cwd: folder }));
    expect(stderr).toBe("");
    expect(stdout).toMatch(/^complete -c tapedeck .*\n(0|141) 0\n$/); // 0 if it had written everything before head left
  });

  test("output that cannot be written, as on a full disk, is reported", async () => {
    const line = `"${process.execPath}" "${main}" completion bash > /dev/full`;
    const { code, stderr } = await ended(spawn("bash", ["-c", line], { cwd: folder }));
    expect([code, stderr]).toEqual([1, "The output cannot be written: the disk is full.\n"]);
  });
});
