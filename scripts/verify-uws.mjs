// Compares the installed binaries of uWebSockets.js with the published ones:
//   npm run uws:verify                      with the SHA-256 of services/gateway/uws-binaries.sha256
//   npm run uws:verify -- --author          with the files of the author's git tag of the same version, too
//   npm run uws:verify -- --write           writes the list anew, after a new version was installed and compared with the author's
// Only names and hashes of the tag are fetched, not its hundreds of megabytes: git names a file by a hash of its content.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const { values } = parseArgs({
  options: {
    author: { type: "boolean", default: false },
    repository: { type: "string", default: "https://github.com/uNetworking/uWebSockets.js" },
    write: { type: "boolean", default: false },
    root: { type: "string", default: fileURLToPath(new URL("..", import.meta.url)) },
  },
});
const list = join(values.root, "services/gateway/uws-binaries.sha256");
const packages = ["@btc-vision/uwebsockets.js", "@trufflesuite/uws-js-unofficial"];

const installed = packages.flatMap((name) => {
  const folder = join("node_modules", name);
  const manifest = join(values.root, folder, "package.json");
  if (!existsSync(manifest)) return [];
  const tag = `v${JSON.parse(readFileSync(manifest, "utf8")).version.split("-")[0]}`;
  return [folder, join(folder, "binaries")]
    .filter((each) => existsSync(join(values.root, each)))
    .flatMap((each) => readdirSync(join(values.root, each)).map((file) => join(each, file)))
    .filter((path) => path.endsWith(".node"))
    .map((path) => ({ path, tag, content: readFileSync(join(values.root, path)) }));
});

const problems = [];
if (installed.length === 0) problems.push("No package of uWebSockets.js is installed: run npm ci.");
if (values.author) compareWithAuthor();
if (values.write) writeFileSync(list, installed.map(({ path, content }) => `${sha256(content)}  ${path}\n`).join(""));
else compareWithList();
for (const problem of problems) console.error(problem);
process.exit(problems.length > 0 ? 1 : 0);

function compareWithList() {
  const known = new Map(linesOf(readFileSync(list, "utf8")).map((line) => [line.slice(66), line.slice(0, 64)]));
  for (const { path, content } of installed) {
    if (!known.has(path)) problems.push(`${path} is not in ${basename(list)}.`);
    else if (known.get(path) !== sha256(content)) problems.push(`${path} is not the published one: ${sha256(content)}`);
  }
  console.log(`${installed.length} binaries compared with ${basename(list)}`);
}

function compareWithAuthor() {
  for (const tag of new Set(installed.map((binary) => binary.tag))) {
    const theirs = filesOf(tag);
    if (theirs === undefined) continue;
    const counts = { same: 0, absent: 0 };
    for (const { path, content } of installed.filter((binary) => binary.tag === tag)) {
      const blob = theirs.get(basename(path));
      if (blob === undefined) counts.absent++;
      else if (blob === blobOf(content)) counts.same++;
      else problems.push(`${path} is not the file that the author has under ${tag}.`);
      if (blob === undefined) console.log(`${path} is not in the author's tag ${tag}: another party built it.`);
    }
    console.log(`${tag}: ${counts.same} binaries are the author's, ${counts.absent} are not in the tag`);
  }
}

/** Names of the tag's files and their git hashes; undefined, with a reported problem, if they cannot be fetched. */
function filesOf(tag) {
  const folder = mkdtempSync(join(tmpdir(), "tapedeck-uws-"));
  try {
    const clone = ["clone", "--quiet", "--bare", "--depth", "1", "--filter=blob:none", "--branch", tag];
    const { status, stderr } = git([...clone, values.repository, folder]);
    if (status !== 0) {
      problems.push(`${values.repository} has no tag ${tag}, or cannot be reached: ${stderr.trim()}`);
      return undefined;
    }
    const tree = git(["-C", folder, "ls-tree", "-r", "HEAD"]).stdout;
    return new Map(linesOf(tree).map((line) => [basename(line.split("\t")[1]), line.split(/\s/)[2]]));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function git(args) {
  const { status, stdout, stderr, error } = spawnSync("git", args, { encoding: "utf8", maxBuffer: 2 ** 26 });
  return { status, stdout, stderr: error?.message ?? stderr };
}

function linesOf(text) {
  return text.split("\n").filter((line) => line !== "");
}

function sha256(content) {
  return createHash("sha256").update(content).digest("hex");
}

function blobOf(content) {
  return createHash("sha1").update(`blob ${content.length}\0`).update(content).digest("hex");
}
