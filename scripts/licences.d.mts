export function packagesIn(metafile: { outputs: Record<string, { inputs: Record<string, unknown> }> }): string[];
export function licencesOf(packages: readonly string[]): string;
export function isPermitted(expression: string): boolean;
