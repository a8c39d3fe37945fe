import { randomBytes } from "node:crypto";
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { AccountName } from "@tapedeck/sessions";
import { Redis } from "ioredis";
import { type RedisServer, startRedisServer } from "./redis-server.js";

const component = fileURLToPath(new URL("../../k8s/components/redis-accounts/", import.meta.url));
/** A user of the tests alone, who may do everything. */
const root = "root";

/** What a rule of Redis refused: the command and what it named, by user. */
export interface Denial {
  readonly user: string;
  readonly command: string;
  readonly context: string;
}

/** A Redis with a user for each service, started as in Kubernetes: by `start.sh`, from a mounted secret. */
export class RedisWithAccounts {
  readonly #server: RedisServer;
  readonly #folder: string;
  readonly #passwords: ReadonlyMap<string, string>;
  readonly #admin: Redis;

  /** @param settings arguments of redis-server */
  static async start(accounts: readonly AccountName[], settings: string[] = []): Promise<RedisWithAccounts> {
    const folder = await mkdtemp(join(tmpdir(), "tapedeck-accounts-"));
    const [component, addresses, run] = ["component", "addresses", "run"].map((name) => join(folder, name));
    if (component === undefined || addresses === undefined || run === undefined) throw new Error("three folders");
    const passwords = new Map([...accounts, root].map((name) => [name, randomBytes(16).toString("hex")]));
    await prepare(component, addresses, passwords);
    await mkdir(run);
    await writeFile(join(folder, "redis.conf"), "# nothing\n");
    const command = ["sh", join(component, "start.sh"), join(folder, "redis.conf"), addresses, run];
    return new RedisWithAccounts(await startRedisServer(settings, undefined, command), folder, passwords);
  }

  private constructor(server: RedisServer, folder: string, passwords: ReadonlyMap<string, string>) {
    this.#server = server;
    this.#folder = folder;
    this.#passwords = passwords;
    this.#admin = new Redis(this.urlOf(root));
  }

  get pid(): number {
    return this.#server.pid;
  }

  /** Of the user of the tests. */
  get url(): string {
    return this.urlOf(root);
  }

  urlOf(account: string): string {
    return this.#server.url.replace("://", `://${account}:${this.#passwords.get(account)}@`);
  }

  /** Everything that was refused so far. */
  async denials(): Promise<Denial[]> {
    const entries: unknown = await this.#admin.call("ACL", "LOG", "128");
    return (Array.isArray(entries) ? entries : []).map((fields: readonly unknown[]) => {
      const value = (name: string) => String(fields[fields.indexOf(name) + 1]);
      return { user: value("username"), command: value("object"), context: value("context") };
    });
  }

  async stop(): Promise<void> {
    this.#admin.disconnect();
    await this.#server.stop();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/** The component with the prefixes of test clusters, and the secret as it is mounted. */
async function prepare(folder: string, addresses: string, passwords: ReadonlyMap<string, string>): Promise<void> {
  await cp(component, folder, { recursive: true });
  await mkdir(addresses);
  const users = await readFile(join(folder, "users.acl"), "utf8");
  const all = `user ${root} on ~* &* +@all\n`;
  await writeFile(join(folder, "users.acl"), users.replaceAll("tapedeck:", "test-*:") + all);
  for (const [name, password] of passwords) {
    await writeFile(join(addresses, name), `redis://${name}:${password}@redis:6379\n`);
  }
}
