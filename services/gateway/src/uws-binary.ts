import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** What a package would load here: native code, which runs with all rights of the process as soon as it is loaded. */
export interface Binary {
  /** As `uws-binaries.sha256` names it: from `node_modules` on. */
  readonly name: string;
  readonly sha256: string;
  /** It is the one that was published as this version, by the hash that is listed in this repository. */
  readonly known: boolean;
}

/** The list in the form of `sha256sum --check`; `npm run uws:verify` compares it with what is installed. */
const list = new URL("../uws-binaries.sha256", import.meta.url);

/** @returns undefined where the package has no binary for this platform and this version of Node */
export function binaryOf(resolve: (build: string) => string, build: string): Binary | undefined {
  const file = `uws_${process.platform}_${process.arch}_${process.versions.modules}.node`;
  const main = dirname(resolve(build));
  const path = [join(main, file), join(main, "..", "binaries", file)].find(existsSync);
  if (path === undefined) return undefined;
  const name = path.slice(path.lastIndexOf("node_modules")).replaceAll("\\", "/");
  const sha256 = createHash("sha256").update(readFileSync(path)).digest("hex");
  return { name, sha256, known: knownHashes().get(name) === sha256 };
}

function knownHashes(): Map<string, string> {
  const lines = readFileSync(list, "utf8").trimEnd().split("\n");
  return new Map(lines.map((line) => [line.slice(66), line.slice(0, 64)]));
}
