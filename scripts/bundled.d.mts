import type { BuildOptions, Plugin } from "esbuild";

export const forNode: BuildOptions;
export function placesOf(root: string, up: string): Plugin;
