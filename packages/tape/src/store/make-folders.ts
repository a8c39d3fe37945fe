import { mkdir, rmdir, stat } from "node:fs/promises";
import { dirname } from "node:path";

/**
 * Makes a folder with all above it that are missing, or none of them. Resolves to the topmost one that it made; undefined where the folder
 * was there. One at a time: on a read-only disk Node's own recursive `mkdir` says ENOENT instead of EROFS, and in /proc it never ends.
 */
export async function makeFolders(folder: string): Promise<string | undefined> {
  const code = await made(folder);
  if (code === undefined) return folder;
  if (code === "EEXIST") return undefined;
  const parent = dirname(folder);
  const first = await makeFolders(parent);
  try {
    await mkdir(folder);
    return first ?? folder;
  } catch (error) {
    if (first !== undefined) await removeEmptyFolders(parent, first);
    throw error;
  }
}

/** Undefined where it was made, EEXIST where a folder is there, ENOENT where the one above it is missing. */
async function made(folder: string): Promise<"EEXIST" | "ENOENT" | undefined> {
  try {
    await mkdir(folder);
    return undefined;
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "EEXIST" && (await stat(folder)).isDirectory()) return code;
    if (code === "ENOENT" && dirname(folder) !== folder) return code;
    throw error;
  }
}

/** Removes a folder and those above it up to `top`, as far as they are empty. Resolves to whether any was removed. */
export async function removeEmptyFolders(folder: string, top: string): Promise<boolean> {
  try {
    await rmdir(folder);
  } catch {
    return false; // something is in it, it is gone, or it may not be removed: then all above it stays too
  }
  if (folder !== top) await removeEmptyFolders(dirname(folder), top);
  return true;
}
