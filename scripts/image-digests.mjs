// Writes the current digest of each base image behind its tag: npm run images:digests. Later builds and deployments use the image that
// the registry had under that tag when this ran. It uses the credentials of `docker login`.
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { writeChanged } from "./write-changed.mjs";

const root = resolve(process.argv[2] ?? fileURLToPath(new URL("..", import.meta.url)));
const manifests = readdirSync(`${root}/k8s`, { recursive: true }).filter((name) => name.endsWith(".yaml"));
const files = ["Dockerfile", "docker-compose.yml", ...manifests.map((name) => `k8s/${name}`)];
/** A third-party image with its tag; ours are named tapedeck/…. */
const pinned =
  /(?<=^ARG NODE_IMAGE=|^\s*(?:- )?image: )(?!tapedeck\/)([\w./:-]+:[\w.-]+)(?:@sha256:[0-9a-f]{64})?(?=\s*$)/gm;

const digests = new Map();
for (const file of files) {
  const text = readFileSync(`${root}/${file}`, "utf8");
  writeChanged(
    `${root}/${file}`,
    text.replace(pinned, (_, tagged) => `${tagged}@${digestOf(tagged)}`),
  );
}
for (const [tagged, digest] of digests) console.log(`${tagged}@${digest}`);

function digestOf(tagged) {
  const known = digests.get(tagged);
  if (known !== undefined) return known;
  const args = ["buildx", "imagetools", "inspect", tagged, "--format", "{{json .Manifest}}"];
  const { status, stdout, stderr, error } = spawnSync("docker", args, { encoding: "utf8" });
  if (status !== 0) {
    console.error(`The digest of ${tagged} is not known: ${error?.message ?? stderr.trim()}`);
    process.exit(1);
  }
  const { digest } = JSON.parse(stdout);
  digests.set(tagged, digest);
  return digest;
}
