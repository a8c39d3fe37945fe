import { spawnSync } from "node:child_process";
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { TapeWriteError, writeFailureReason } from "../errors.js";
import { writeTestTape } from "../testing.js";
import { FolderTapeStore } from "./folder-store.js";
import { makeFolders } from "./make-folders.js";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "tapedeck-folders-"));
});
afterEach(async () => {
  await chmod(folder, 0o700);
  await rm(folder, { recursive: true, force: true });
});

const reasonFor = (path: string) => makeFolders(path).then(() => "made", writeFailureReason);

test("[TP72] folders are made with those above them, and the topmost new one is returned", async () => {
  expect(await makeFolders(join(folder, "a", "b", "c"))).toBe(join(folder, "a"));
  expect(await makeFolders(join(folder, "a", "b", "d"))).toBe(join(folder, "a", "b", "d"));
  expect(await makeFolders(join(folder, "a"))).toBeUndefined();
});

test("[TP72] a file in the place of a folder is named as the reason", async () => {
  await writeFile(join(folder, "file"), "");
  expect(await reasonFor(join(folder, "file"))).toBe(`${folder}/file: a file is in the place of a folder`);
  expect(await reasonFor(join(folder, "file", "a"))).toBe(`${folder}/file/a: a file is in the place of a folder`);
  const failing = writeTestTape(new FolderTapeStore(join(folder, "file")), { id: "aapl", frames: 2 });
  await expect(failing).rejects.toThrow(TapeWriteError);
  await expect(failing).rejects.toThrow(/^Cannot begin tape aapl: .*: a file is in the place of a folder\.$/);
});

test("[TP72] a tape that cannot be begun removes the folders that it made", async () => {
  const deep = join(folder, "new", "store");
  const tooLong = "x".repeat(300);
  await expect(makeFolders(join(deep, tooLong))).rejects.toThrow("ENAMETOOLONG");
  expect(await readdir(folder)).toEqual([]);
});

test("[TP72] discarding a staged version removes the folders made for it, and no others", async () => {
  await mkdir(join(folder, "there"));
  const inNew = await new FolderTapeStore(join(folder, "new", "store")).begin("aapl");
  const inOld = await new FolderTapeStore(join(folder, "there")).begin("aapl");
  await inNew.append("blocks.bin", Buffer.from("half a tape"));
  await inNew.discard();
  await inOld.discard();
  expect(await readdir(folder, { recursive: true })).toEqual(["there"]);
});

test("[TP72] discarding a staged version keeps other versions and tapes", async () => {
  const store = new FolderTapeStore(join(folder, "store"));
  await writeTestTape(store, { id: "msft", frames: 2 });
  const first = await store.begin("aapl");
  await first.discard();
  expect(await store.ids()).toEqual(["msft"]);
  await writeTestTape(store, { id: "aapl", frames: 2 });
  await (await store.begin("aapl")).discard();
  expect(await store.versions("aapl")).toEqual([1]);
});

test("[TP72] after its only staged version is discarded, a store is empty and not unavailable", async () => {
  const store = new FolderTapeStore(join(folder, "store"));
  await (await store.begin("aapl")).discard();
  expect(await store.ids()).toEqual([]);
  await writeTestTape(store, { id: "aapl", frames: 2 });
  expect(await store.ids()).toEqual(["aapl"]);
});

const asRoot = process.getuid?.() === 0;
test.skipIf(asRoot)("[TP72] missing write permission is named as the reason", async () => {
  await chmod(folder, 0o500);
  expect(await reasonFor(join(folder, "a", "b"))).toBe(`${folder}/a: this user may not write there`);
});

/** A mount in a namespace of its own, which ends with the process, and needs a privilege. */
const mayMount = spawnSync("unshare", ["-m", "mount", "-t", "tmpfs", "none", "/mnt"]).status === 0;
if (!mayMount) process.stderr.write("SKIPPED: the read-only disk, since this user cannot mount\n");
test.skipIf(!mayMount)(
  "[TP72] a read-only disk is named as the reason",
  async () => {
    const source = fileURLToPath(new URL("./make-folders.ts", import.meta.url));
    const errors = fileURLToPath(new URL("../errors.ts", import.meta.url));
    const program = `
    import { makeFolders } from ${JSON.stringify(source)};
    import { writeFailureReason } from ${JSON.stringify(errors)};
    makeFolders(process.argv[1] + "/a/b").catch((error) => console.log(writeFailureReason(error)));`;
    const mounted = 'mount -t tmpfs none "$1" && mount -o remount,ro "$1" && shift && exec "$@"';
    const node = [
      process.execPath,
      "--conditions=tapedeck-source",
      "--import=tsx",
      "--input-type=module",
      "-e",
      program,
      folder,
    ];
    const { stdout, stderr } = spawnSync("unshare", ["-m", "sh", "-c", mounted, "sh", folder, ...node], {
      encoding: "utf8",
      cwd: fileURLToPath(new URL("../../../../", import.meta.url)),
    });
    expect([stdout, stderr]).toEqual([`${folder}/a: the disk is read-only\n`, ""]);
  },
  60_000,
);
