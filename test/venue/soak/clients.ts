import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { npmClients } from "../../support/npm-clients.js";
import { type Program, Python, withoutProxies } from "../../support/python.js";
import { goClient, javaClient } from "../../support/venue/compiled-clients.js";

export type Account = "spot" | "usdm";

/** The task of a client's program; `clients/task.mjs` describes it. */
export interface Task {
  readonly spot: string;
  readonly usdm: string;
  readonly url: string;
  readonly apiKey: string;
  readonly secret: string;
  readonly market: Account;
  readonly symbol: string;
  readonly orders: number;
  readonly amount: string;
  readonly priceDecimals: number;
  readonly seconds: number;
}

/** A client of Binance with an account of one kind. */
export interface SoakClient {
  readonly name: string;
  readonly version: string;
  readonly account: Account;
  /** How many levels of each side its local book has at least. */
  readonly levels: number;
  /** How long its user stream may be away after its socket was closed. */
  readonly awayS: number;
  program(task: Task): Program;
}

interface Kind {
  readonly name: string;
  readonly file: string;
  /** In the file that lists what is installed. */
  readonly version: RegExp;
  readonly accounts: readonly Account[];
  readonly levels?: Readonly<Record<Account, number>>;
  readonly awayS?: number;
}

const folder = fileURLToPath(new URL("../clients/", import.meta.url));
const both = ["spot", "usdm"] as const;
const wholeBook = { spot: 20, usdm: 20 };
/** Clients connect again within a second or two, on a busy machine later. */
const usualAwayS = 8;

const ofNpm: readonly Kind[] = [
  { name: "ccxt", file: "ccxt.mjs", version: /"ccxt": "(.*)"/, accounts: both },
  { name: "binance", file: "binance.mjs", version: /"binance": "(.*)"/, accounts: both },
  { name: "@binance/spot", file: "binance-spot.mjs", version: /"@binance\/spot": "(.*)"/, accounts: ["spot"] },
];
const ofPython: readonly Kind[] = [
  // Its cache of futures is the stream of the ten best levels, and spot's user socket needs ten seconds to come back.
  {
    ...{ name: "python-binance", file: "python_binance.py", version: /python-binance==(.*)/, accounts: both },
    ...{ levels: { spot: 20, usdm: 10 }, awayS: 20 },
  },
  { name: "binance-sdk-spot", file: "binance_sdk.py", version: /sdk-spot==(.*)/, accounts: ["spot"] },
  { name: "binance-sdk-usds-futures", file: "binance_sdk.py", version: /usds-futures==(.*)/, accounts: ["usdm"] },
  { name: "ccxt-python", file: "ccxt_pro.py", version: /^ccxt==(.*)/m, accounts: both },
];
const go: Kind = { name: "go-binance", file: "go", version: /go-binance\/v2 v(\S+)/, accounts: both };
const java: Kind = { name: "binance-connector-java", file: "java", version: /<version>(3\..*)</, accounts: ["spot"] };

export const clientNames = [...new Set([...ofNpm, ...ofPython, go, java].map(({ name }) => name))];

/** The clients of these names that this machine can run, and the names of the others. The reason is printed where one cannot be installed. */
export async function installedClients(
  names: readonly string[],
): Promise<{ readonly clients: readonly SoakClient[]; readonly skipped: readonly string[] }> {
  const clients: SoakClient[] = [];
  const skipped: string[] = [];
  const wanted = (kinds: readonly Kind[]) => kinds.filter(({ name }) => names.includes(name));
  const add = async (
    kinds: readonly Kind[],
    manifest: string,
    prepare: () => Promise<((kind: Kind, task: Task) => Program) | undefined>,
  ) => {
    if (kinds.length === 0) return;
    const start = await prepare();
    if (start === undefined) skipped.push(...kinds.map(({ name }) => name));
    else clients.push(...(await ofKinds(kinds, join(folder, manifest), start)));
  };

  await add(wanted(ofNpm), "package.json", async () => {
    const installed = await npmClients();
    if (installed === undefined) return undefined;
    const env = withoutProxies();
    return ({ file }, task) => ({
      ...{ command: process.execPath, env },
      args: [join(folder, file), JSON.stringify({ ...task, folder: installed })],
    });
  });
  await add(wanted(ofPython), "python/requirements.in", async () => {
    const python = await Python.locked(join(folder, "python/requirements.txt"));
    return python && (({ file }, task) => python.program(join(folder, "python", file), JSON.stringify([task])));
  });
  for (const [kind, manifest, build] of [
    [go, "go/go.mod", goClient],
    [java, "java/pom.xml", javaClient],
  ] as const) {
    await add(wanted([kind]), manifest, async () => {
      const built = await build();
      return built && ((_, task) => ({ ...built, args: [...built.args, JSON.stringify(task)] }));
    });
  }
  return { clients, skipped };
}

async function ofKinds(
  kinds: readonly Kind[],
  manifest: string,
  start: (kind: Kind, task: Task) => Program,
): Promise<SoakClient[]> {
  const text = await readFile(manifest, "utf8");
  return kinds.flatMap((kind) => {
    const version = kind.version.exec(text)?.[1];
    if (version === undefined) throw new Error(`${manifest} does not say the version of ${kind.name}`);
    return kind.accounts.map((account) => ({
      ...{ name: kind.name, version, account },
      ...{ levels: (kind.levels ?? wholeBook)[account], awayS: kind.awayS ?? usualAwayS },
      program: (task: Task) => start(kind, task),
    }));
  });
}
