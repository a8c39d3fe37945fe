import { execFileSync, spawnSync } from "node:child_process";
import { appendFileSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";

const root = fileURLToPath(new URL("../../", import.meta.url));
const list = "services/gateway/uws-binaries.sha256";
const newer = "node_modules/@btc-vision/uwebsockets.js";
const older = "node_modules/@trufflesuite/uws-js-unofficial";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tapedeck-verify-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

function verify(...args: string[]) {
  return spawnSync(process.execPath, [join(root, "scripts/verify-uws.mjs"), ...args], { encoding: "utf8" });
}

/** Two packages with small files for binaries, and their list. */
function installed(): string {
  const copy = join(folder, "checkout");
  const write = (path: string, content: string) => {
    mkdirSync(join(copy, path, ".."), { recursive: true });
    writeFileSync(join(copy, path), content);
  };
  write(`${newer}/package.json`, '{"version":"20.57.0"}');
  write(`${newer}/uws_linux_x64_137.node`, "one");
  write(`${newer}/uws_darwin_arm64_137.node`, "two");
  write(`${older}/package.json`, '{"version":"20.30.0-unofficial.0"}');
  write(`${older}/binaries/uws_linux_x64_115.node`, "three");
  write(`${older}/binaries/uws_linux_arm_115.node`, "built by others");
  write(list, "");
  expect(verify("--root", copy, "--write")).toMatchObject({ status: 0, stderr: "" });
  return copy;
}

/** The author's repository, with a tag for each version. */
function authors(files: Record<string, Record<string, string>>): string {
  const repository = join(folder, "author");
  const git = (...args: string[]) =>
    execFileSync("git", ["-C", repository, "-c", "user.name=a", "-c", "user.email=a@example.com", ...args]);
  mkdirSync(repository);
  git("init", "--quiet");
  git("config", "uploadpack.allowFilter", "true");
  for (const [tag, contents] of Object.entries(files)) {
    for (const [name, content] of Object.entries(contents)) writeFileSync(join(repository, name), content);
    git("add", "--all");
    git("commit", "--quiet", "--message", tag);
    git("tag", tag);
  }
  return pathToFileURL(repository).href;
}

test("[G97] every binary that npm has installed is listed with the hash of what was published", () => {
  expect(verify()).toMatchObject({ status: 0, stderr: "", stdout: expect.stringMatching(/^38 binaries compared/) });
  // The list is one of coreutils, for those who trust no script.
  expect(spawnSync("sha256sum", ["--check", "--quiet", list], { cwd: root }).status).toBe(0);
});

test("[G97] changed and unlisted binaries are reported", () => {
  const copy = installed();
  appendFileSync(join(copy, newer, "uws_linux_x64_137.node"), "!");
  cpSync(join(copy, newer, "uws_darwin_arm64_137.node"), join(copy, newer, "uws_linux_x64_141.node"));
  const { status, stderr } = verify("--root", copy);
  expect(status).toBe(1);
  expect(stderr).toMatch(/uws_linux_x64_137\.node is not the published one: [0-9a-f]{64}/);
  expect(stderr).toMatch(/uws_linux_x64_141\.node is not in uws-binaries\.sha256/);
  expect(stderr.trim().split("\n")).toHaveLength(2);
});

test("[G97] the author's tags are compared by git's own hashes, and none of their files is fetched", () => {
  const copy = installed();
  const theirs = { "uws_linux_x64_137.node": "one", "uws_darwin_arm64_137.node": "two" };
  const repository = authors({ "v20.30.0": { "uws_linux_x64_115.node": "three" }, "v20.57.0": theirs });
  const same = verify("--root", copy, "--author", "--repository", repository);
  expect(same).toMatchObject({ status: 0, stderr: "" });
  expect(same.stdout).toContain("v20.57.0: 2 binaries are the author's, 0 are not in the tag");
  expect(same.stdout).toContain("v20.30.0: 1 binaries are the author's, 1 are not in the tag");
  expect(same.stdout).toMatch(/uws_linux_arm_115\.node is not in the author's tag v20\.30\.0: another party built it/);
});

test("[G97] a binary that is not the author's is reported, and so is an unreachable repository", () => {
  const copy = installed();
  const files = { "uws_linux_x64_137.node": "another", "uws_darwin_arm64_137.node": "two" };
  const repository = authors({ "v20.57.0": files });
  const { status, stderr } = verify("--root", copy, "--author", "--repository", repository);
  expect(status).toBe(1);
  expect(stderr).toMatch(/uws_linux_x64_137\.node is not the file that the author has under v20\.57\.0/);
  expect(stderr).toMatch(/has no tag v20\.30\.0, or cannot be reached/);
});

test("[G97] the list is for the version in the gateway's manifest", () => {
  const { dependencies } = JSON.parse(readFileSync(join(root, "services/gateway/package.json"), "utf8"));
  for (const folder of [newer, older]) {
    const { version } = JSON.parse(readFileSync(join(root, folder, "package.json"), "utf8"));
    expect(dependencies[folder.replace("node_modules/", "")]).toBe(version);
  }
});
