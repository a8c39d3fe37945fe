import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** From src/, dist/ and the bundle in dist/ alike. */
const above = new URL("../../../", import.meta.url);

/** The root of the repository where this runs in one; undefined in a package that was installed. */
export const repository = existsSync(new URL("services/api/package.json", above)) ? fileURLToPath(above) : undefined;

/** What relative paths of the environment start from, and where the local cluster's folder `.tapedeck` is. */
export const home = repository ?? process.cwd();
