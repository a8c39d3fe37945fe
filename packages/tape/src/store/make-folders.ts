import { mkdir, rmdir, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { errorCode } from "./folder-reader.js";

/**
 * Makes a folder and all missing folders above it, or none of them. Resolves to the topmost one that it made; undefined if the folder
 * existed. One at a time: on a read-only disk Node's own recursive `mkdir` says ENOENT instead of EROFS, and in /proc it never ends.
 */
export async function makeFolders(folder: string): Promise<string | undefined> {
  const outcome = await makeFolder(folder);
  if (outcome === "made") return folder;
  if (outcome === "exists") return undefined;
  const parent = dirname(folder);
  const topmostNew = await makeFolders(parent);
  try {
    await mkdir(folder);
    return topmostNew ?? folder;
  } catch (error) {
    if (topmostNew !== undefined) await removeEmptyFolders(parent, topmostNew);
    throw error;
  }
}

async function makeFolder(folder: string): Promise<"made" | "exists" | "parent missing"> {
  try {
    await mkdir(folder);
    return "made";
  } catch (error) {
    const code = errorCode(error);
    if (code === "EEXIST" && (await stat(folder)).isDirectory()) return "exists";
    if (code === "ENOENT" && dirname(folder) !== folder) return "parent missing";
    throw error;
  }
}

/** Removes a folder and those above it up to `top`, as far as they are empty. Resolves to whether it removed any. */
export async function removeEmptyFolders(folder: string, top: string): Promise<boolean> {
  try {
    await rmdir(folder);
  } catch {
    return false; // it has content, is gone, or may not be removed: then all folders above it stay too
  }
  if (folder !== top) await removeEmptyFolders(dirname(folder), top);
  return true;
}
