import { readdir, readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { z } from "zod";

const warning = z.object({ level: z.enum(["warn", "error", "fatal"]), msg: z.string() });

/** What the services of a cluster warned of while they started, once each: nobody looks into a log of something that works. */
export async function startupWarnings(folder: string): Promise<string[]> {
  const found = new Map<string, string>();
  for (const file of (await readdir(folder)).sort()) {
    for (const line of (await readFile(join(folder, file), "utf8")).split("\n")) {
      const parsed = warning.safeParse(parse(line));
      if (parsed.success) found.set(parsed.data.msg, `${basename(file, ".log")} warns: ${parsed.data.msg}`);
    }
  }
  return [...found.values()];
}

/** Redis's lines are no JSON, and neither is a stack. */
function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
