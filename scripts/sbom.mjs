import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

let everything;

/**
 * The CycloneDX bill of materials of an image: the packages in `folders`, as npm describes them. It has neither a time nor a serial
 * number, so that the same packages give the same file.
 */
export function billOfMaterials(root, main, folders) {
  everything ??= JSON.parse(
    execFileSync("npm", ["sbom", "--sbom-format", "cyclonedx"], { cwd: root, maxBuffer: 2 ** 26 }),
  );
  const { serialNumber, metadata, components, dependencies, ...rest } = everything;
  const { timestamp, component, ...made } = metadata;
  const refs = new Set(folders.map((folder) => refOf(root + folder)));
  const known = components.filter(({ "bom-ref": ref }) => refs.has(ref));
  const missing = [...refs].filter((wanted) => !known.some(({ "bom-ref": ref }) => ref === wanted));
  if (missing.length > 0) throw new Error(`npm does not list ${missing.join(", ")} as installed`);
  const ofMain = refOf(root + main);
  const isMain = ({ "bom-ref": ref }) => ref === ofMain;
  const bill = {
    ...rest,
    metadata: { ...made, component: { ...known.find(isMain), type: "application" } },
    components: known.filter((component) => !isMain(component)),
    dependencies: dependencies
      .filter(({ ref }) => refs.has(ref))
      .map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.filter((other) => refs.has(other)) })),
  };
  return `${JSON.stringify(bill, null, 1)}\n`;
}

function refOf(folder) {
  const { name, version } = JSON.parse(readFileSync(`${folder}/package.json`, "utf8"));
  return `${name}@${version}`;
}
