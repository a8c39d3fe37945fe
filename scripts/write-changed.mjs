import { readFileSync, renameSync, writeFileSync } from "node:fs";

/** Writes a file atomically, and only if its content differs: a concurrent reader gets either version complete. */
export function writeChanged(path, contents) {
  const bytes = Buffer.from(contents);
  try {
    if (readFileSync(path).equals(bytes)) return;
  } catch {
    // there is none yet
  }
  const beside = `${path}.${process.pid}`;
  writeFileSync(beside, bytes);
  renameSync(beside, path);
}
