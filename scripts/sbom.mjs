import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

let everything;

/** CycloneDX's list of an image: of what npm knows of all that is installed, the packages in these folders. The same for the same input. */
export function billOfMaterials(main, folders) {
  everything ??= JSON.parse(execFileSync("npm", ["sbom", "--sbom-format", "cyclonedx"], { maxBuffer: 2 ** 26 }));
  const { serialNumber, metadata, components, dependencies, ...rest } = everything;
  const { timestamp, component: workspace, ...made } = metadata;
  const refs = new Set(folders.map(refOf));
  const [component] = components.filter(({ "bom-ref": ref }) => ref === refOf(main));
  const listed = components.filter(({ "bom-ref": ref }) => refs.has(ref) && ref !== refOf(main));
  const missing = refs.size - listed.length - 1;
  if (component === undefined || missing !== 0) throw new Error(`npm does not know ${missing} packages of ${main}`);
  const bill = {
    ...rest,
    metadata: { ...made, component: { ...component, type: "application" } },
    components: listed,
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
