import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { output } from "./command.js";

/** What this machine trusts. A network with an authority of its own has it in there. */
const trusted = "/etc/ssl/certs/ca-certificates.crt";

/** Files for the Dockerfile's secrets, with which a build reaches the same npm registry as the user. */
export async function buildSecrets(folder: string): Promise<Record<string, string>> {
  const npmrc = await registriesOf(folder);
  return { ...(npmrc && { npmrc }), ...(existsSync(trusted) && { "ca-certificates": trusted }) };
}

/** The registries and tokens of the user's npm configuration; undefined if it has none. */
async function registriesOf(folder: string): Promise<string | undefined> {
  const user = await output("npm", ["config", "get", "userconfig"]);
  const lines = (await readFile(user, "utf8").catch(() => "")).split("\n").map((line) => line.trim());
  const kept = lines.filter((line) => /^(\/\/|@[^:]+:registry\b|registry\b)/.test(line));
  if (kept.length === 0) return undefined;
  const file = join(folder, "npmrc");
  await writeFile(file, `${kept.join("\n")}\n`, { mode: 0o600 });
  return file;
}
