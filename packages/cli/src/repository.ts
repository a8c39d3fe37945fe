import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** The same from src/, from dist/, and from the bundle in dist/. */
const above = new URL("../../../", import.meta.url);

/** The root of the repository; undefined in an installed package. */
export const repository = existsSync(new URL("services/api/package.json", above)) ? fileURLToPath(above) : undefined;

/** The folder that contains the local cluster's `.tapedeck`; relative paths in the environment start here. */
export const home = repository ?? process.cwd();
