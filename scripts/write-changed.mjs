import { readFileSync, renameSync, writeFileSync } from "node:fs";

/** Writes a file if it is not what is there, and at once: whoever reads it meanwhile gets the one before or this one, whole. */
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
