import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { z } from "zod";

/**
 * The official client's models are generated from Kubernetes's own API description, one release of the client for each release
 * of Kubernetes, so they are its schema: what each object's fields are called, their types, and which must be there.
 */
export interface KubernetesRelease {
  /** `1.36`. */
  readonly release: string;
  /** What the API server of this release would not take in an object as it came out of YAML; one sentence each. */
  problemsOf(object: unknown): string[];
}

const field = z.object({ name: z.string(), baseName: z.string(), type: z.string() });
const model = z.custom<{ getAttributeTypeMap(): unknown }>(
  (value) => typeof value === "function" && "getAttributeTypeMap" in value,
);
const heading = z.looseObject({ apiVersion: z.string(), kind: z.string() });

/** @param client `kubernetes-oldest` or `kubernetes-newest`, as package.json names the client's releases */
export async function kubernetesRelease(client: string): Promise<KubernetesRelease> {
  const folder = join(dirname(createRequire(import.meta.url).resolve(client)), "gen", "models");
  // The models alone: the client around them asks for a newer Node than we do.
  const models = z.record(z.string(), z.unknown()).parse({ ...(await import(join(folder, "all.js"))) });
  const source = (name: string) => readFileSync(join(folder, `${name}.d.ts`), "utf8");
  const release = /spec version: (?:release-|v)(\d+\.\d+)/.exec(source("V1Pod"))?.[1];
  if (release === undefined) throw new Error(`${client} does not say which Kubernetes it was made for`);
  const known = new Map<string, Shape>();

  function shapeOf(name: string): Shape | undefined {
    const shape = known.get(name);
    if (shape !== undefined) return shape;
    const found = model.safeParse(models[name]);
    if (!found.success) return undefined;
    const fields = z.array(field).parse(found.data.getAttributeTypeMap());
    const mandatory = new Set([...source(name).matchAll(/^ {4}'(\w+)': /gm)].map(([, field]) => field));
    const made = {
      types: new Map(fields.map(({ baseName, type }) => [baseName, type])),
      required: fields.filter(({ name }) => mandatory.has(name)).map(({ baseName }) => baseName),
    };
    known.set(name, made);
    return made;
  }

  function* problems(value: unknown, type: string, path: string): Generator<string> {
    const list = /^Array<(.+)>$/.exec(type)?.[1];
    const map = /^\{ \[key: string\]: (.+); \}$/.exec(type)?.[1];
    if (list !== undefined) {
      if (!Array.isArray(value)) yield `${path} is not a list`;
      else for (const [at, item] of value.entries()) yield* problems(item, list, `${path}[${at}]`);
    } else if (map !== undefined) {
      if (!isObject(value)) yield `${path} is not a map`;
      else for (const [key, item] of Object.entries(value)) yield* problems(item, map, `${path}.${key}`);
    } else if (type in plain) {
      if (!plain[type]?.(value)) yield `${path} is not a ${type}`;
    } else {
      yield* problemsOfObject(value, type, path);
    }
  }

  function* problemsOfObject(value: unknown, type: string, path: string): Generator<string> {
    const shape = shapeOf(type);
    if (shape === undefined) {
      yield `${path} is a ${type}, which Kubernetes ${release} does not know`;
    } else if (!isObject(value)) {
      yield `${path} is not an object`;
    } else {
      for (const name of shape.required) if (value[name] === undefined) yield `${path}.${name} is missing`;
      for (const [name, item] of Object.entries(value)) {
        const expected = shape.types.get(name);
        if (expected === undefined) yield `${path}.${name} is unknown`;
        else yield* problems(item, expected, `${path}.${name}`);
      }
    }
  }

  return {
    release,
    problemsOf(object) {
      const { apiVersion, kind } = heading.parse(object);
      const version = apiVersion.split("/").at(-1) ?? "";
      return [...problems(object, version.charAt(0).toUpperCase() + version.slice(1) + kind, kind)];
    },
  };
}

interface Shape {
  readonly types: ReadonlyMap<string, string>;
  readonly required: readonly string[];
}

/** Types that are no models. A quantity such as `500m` is a string there; YAML's bare numbers are taken for one too. */
const plain: Readonly<Record<string, (value: unknown) => boolean>> = {
  string: (value) => typeof value === "string",
  number: (value) => typeof value === "number",
  boolean: (value) => typeof value === "boolean",
  IntOrString: (value) => typeof value === "string" || Number.isInteger(value),
  any: () => true,
  Date: (value) => typeof value === "string" && !Number.isNaN(Date.parse(value)),
};

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
