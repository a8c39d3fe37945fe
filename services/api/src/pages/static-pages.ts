import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { RefusedError, refuse } from "@tapedeck/protocol";
import type { RequestGuard } from "@tapedeck/runtime";
import { z } from "zod";
import { noInput, RawResponse, type Route, route } from "../http/route.js";

const types: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".woff2": "font/woff2",
  ".ts": "text/plain; charset=utf-8", // type declarations
};

/** The same path from src/ and from dist/. */
const ownFolder = fileURLToPath(new URL("../../public/", import.meta.url));
const folderOf = (name: string) => dirname(createRequire(import.meta.url).resolve(`${name}/package.json`));
const swaggerFolder = folderOf("swagger-ui-dist");
const clientFolder = folderOf("@tapedeck/client");
/** Built by `npm run build -w services/dashboard`. */
const dashboardFolder = fileURLToPath(new URL("../../../dashboard/dist/", import.meta.url));

/** [::1] is missing, since a policy cannot contain an address in brackets. */
const loopbackHosts = ["localhost:*", "*.localhost:*", "127.0.0.1:*"];

/**
 * The Content-Security-Policy of pages: scripts only from our own origin, connections to it and to other clusters that the dashboard may
 * use (`?api=`).
 *
 * @param apis origins, or `loopback`, which is the default on the loopback address
 */
export function pagePolicy(apis: readonly string[], { local }: Pick<RequestGuard, "local">): string {
  const named = apis.length === 0 && local ? ["loopback"] : apis;
  const sources = named.flatMap((api) =>
    api === "loopback"
      ? loopbackHosts.flatMap((host) => [`http://${host}`, `ws://${host}`])
      : [api, api.replace(/^http/i, "ws")],
  );
  return (
    `default-src 'self'; connect-src ${["'self'", ...sources].join(" ")}; img-src 'self' data: blob:; ` +
    "style-src 'self' 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; object-src 'none'; form-action 'none'"
  );
}

/** For files whose names change with their content. */
const immutable = "public, max-age=31536000, immutable";
/** For files that are revalidated on each use; the answer is mostly 304. */
const revalidate = "no-cache";

export const pageRoutes: readonly Route[] = [
  // Paths of the dashboard, a single page that routes by its address.
  page("/", join(dashboardFolder, "index.html")),
  page("/operations", join(dashboardFolder, "index.html")),
  page("/icon.svg", join(dashboardFolder, "icon.svg")),
  route({
    ...noInput,
    method: "GET",
    path: "/assets/{file}",
    access: "public",
    tag: "Pages",
    summary: "Assets of the dashboard",
    params: z.object({ file: z.string() }),
    async handle({ params: { file } }, { pagePolicy: policy }) {
      // The name cannot lead to another folder: it has no slash and does not start with a dot.
      if (!/^[\w-]+(\.[\w-]+)+$/.test(file)) throw noSuchFile();
      return load(join(dashboardFolder, "assets", file), immutable, policy);
    },
  }),
  page("/sdk.js", join(clientFolder, "dist", "sdk.js")),
  page("/sdk.d.ts", join(clientFolder, "dist", "sdk.d.ts")),
  page("/docs", join(ownFolder, "docs.html")),
  page("/docs/page.js", join(ownFolder, "docs.js")),
  page("/docs/swagger-ui.css", join(swaggerFolder, "swagger-ui.css")),
  page("/docs/swagger-ui-bundle.js", join(swaggerFolder, "swagger-ui-bundle.js")),
];

function page(path: string, file: string): Route {
  return route({
    ...noInput,
    method: "GET",
    path,
    access: "public",
    tag: "Pages",
    summary: path,
    handle: (_call, { pagePolicy: policy }) => load(file, revalidate, policy),
  });
}

const loaded = new Map<string, Promise<RawResponse>>();

async function load(file: string, caching: string, policy: string): Promise<RawResponse> {
  const { type, body: bytes, headers, gzippedBody: gzipped } = await loadOnce(file, caching);
  return new RawResponse(type, bytes, { ...headers, "Content-Security-Policy": policy }, gzipped);
}

/**
 * Files stay in memory with their ETag and compressed body, since they are few and small. `koa-send` would need two further packages and a
 * build step for these, in place of the next thirty lines.
 */
function loadOnce(file: string, caching: string): Promise<RawResponse> {
  const known = loaded.get(file);
  if (known) return known;
  const answer = read(file, caching);
  loaded.set(file, answer);
  // A missing file may be built later.
  answer.catch(() => loaded.delete(file));
  return answer;
}

async function read(file: string, caching: string): Promise<RawResponse> {
  const type = extname(file);
  const bytes = await readFile(file).catch(() => {
    throw noSuchFile();
  });
  const headers = {
    "Cache-Control": caching,
    ETag: `"${createHash("sha256").update(bytes).digest("base64url").slice(0, 16)}"`,
    "X-Content-Type-Options": "nosniff",
  };
  // Fonts are already compressed.
  const small = type === ".woff2" ? undefined : await promisify(gzip)(bytes, { level: 9 });
  return new RawResponse(types[type] ?? "application/octet-stream", bytes, headers, small);
}

function noSuchFile(): RefusedError {
  const message =
    "The file does not exist. Build the dashboard with npm start, or npm run build -w services/dashboard.";
  return new RefusedError(refuse("ROUTE_NOT_FOUND", message));
}
