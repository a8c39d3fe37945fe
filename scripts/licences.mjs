import { readdirSync, readFileSync } from "node:fs";

/** The folders of third-party packages whose files a bundle contains, according to esbuild's list of outputs. */
export function packagesIn({ outputs }) {
  const files = Object.values(outputs).flatMap(({ inputs }) => Object.keys(inputs));
  return [...new Set(files.flatMap((path) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? []))].sort();
}

/** The permitted licences of third-party code in shipped files, by SPDX name: all permit redistribution in any product. */
const permitted = new Set([
  ...[
    "0BSD",
    "Apache-2.0",
    "BlueOak-1.0.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "CC0-1.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unlicense",
  ],
  ...["OFL-1.1", "Python-2.0", "Zlib"],
]);

/**
 * The licences of third-party code, each text once.
 *
 * @throws if a package names no licence, or one that is not permitted: it must be reviewed before it is shipped
 */
export function licencesOf(packages) {
  const refused = packages.map(manifestOf).flatMap(({ name, version, license }) => {
    if (typeof license === "string" && isPermitted(license)) return [];
    return `${name} ${version} (${license === undefined ? "names no licence" : JSON.stringify(license)})`;
  });
  if (refused.length > 0) {
    throw new Error(
      `The licence of ${refused.join(", ")} is not one of ${[...permitted].sort().join(", ")}: ` +
        "replace the package, or permit the licence in scripts/licences.mjs.",
    );
  }
  const byText = new Map();
  for (const { name, text } of packages.map(licenceOf)) byText.set(text, [...(byText.get(text) ?? []), name]);
  return [...byText].map(([text, names]) => `${names.join("\n")}\n\n${text}\n`).join(`\n${"-".repeat(80)}\n\n`);
}

/** Evaluates an SPDX expression such as `(MIT OR GPL-3.0-only)`: of alternatives one must be permitted, of combinations all. */
export function isPermitted(expression) {
  const words = expression.match(/[()]|[^\s()]+/g) ?? [];
  let at = 0;
  const joined = (next, word, whole) => {
    const parts = [next()];
    while (words[at] === word) {
      at++;
      parts.push(next());
    }
    return whole(parts);
  };
  const one = () => {
    const word = words[at++];
    if (word !== "(") return permitted.has(word);
    const inside = either();
    return words[at++] === ")" && inside;
  };
  const all = () => joined(one, "AND", (parts) => parts.every(Boolean));
  const either = () => joined(all, "OR", (parts) => parts.some(Boolean));
  return either() && at === words.length;
}

function manifestOf(folder) {
  return JSON.parse(readFileSync(`${folder}/package.json`, "utf8"));
}

function licenceOf(folder) {
  const { name, version, license } = manifestOf(folder);
  const file = readdirSync(folder).find((entry) => /^(licen[cs]e|copying)(\.|$)/i.test(entry));
  const text = file === undefined ? `Licence: ${license}` : readFileSync(`${folder}/${file}`, "utf8").trim();
  return { name: `${name} ${version}`, text };
}
