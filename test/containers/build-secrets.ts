import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { output } from "./command.js";

/** What this machine trusts. A network with an authority of its own has it in there. */
const trusted = "/etc/ssl/certs/ca-certificates.crt";

/** Files for the secrets that the Dockerfile knows, by which a build reaches the registry of npm that whoever runs this reaches. */
export async function buildSecrets(folder: string): Promise<Record<string, string>> {
  const npmrc = await registriesOf(folder);
  return { ...(npmrc && { npmrc }), ...(existsSync(trusted) && { "ca-certificates": trusted }) };
}

/** Registries that the user has told npm of, with the tokens for them; undefined where npm is as it comes. */
async function registriesOf(folder: string): Promise<string | undefined> {
  const user = await output("npm", ["config", "get", "userconfig"]);
  const lines = (await readFile(user, "utf8").catch(() => "")).split("\n").map((line) => line.trim());
  const kept = lines.filter((line) => /^(\/\/|@[^:]+:registry\b|registry\b)/.test(line));
  if (kept.length === 0) return undefined;
  const file = join(folder, "npmrc");
  await writeFile(file, `${kept.join("\n")}\n`, { mode: 0o600 });
  return file;
}
