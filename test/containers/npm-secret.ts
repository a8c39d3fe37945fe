import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { output } from "./command.js";

/**
 * A file for the build's secret `npmrc`, if whoever runs this has told npm of a registry: it is theirs, with their token for it.
 * Undefined where npm is as it comes.
 */
export async function npmSecret(folder: string): Promise<string | undefined> {
  const user = await output("npm", ["config", "get", "userconfig"]);
  const lines = (await readFile(user, "utf8").catch(() => "")).split("\n").map((line) => line.trim());
  const kept = lines.filter((line) => /^(\/\/|@[^:]+:registry\b|registry\b)/.test(line));
  if (kept.length === 0) return undefined;
  const file = join(folder, "npmrc");
  await writeFile(file, `${kept.join("\n")}\n`, { mode: 0o600 });
  return file;
}
