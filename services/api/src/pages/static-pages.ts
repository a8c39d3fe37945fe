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
  ".ts": "text/plain; charset=utf-8", // declarations, for people and their editors
};

/** Works from src/ and dist/ alike. */
const ownFolder = fileURLToPath(new URL("../../public/", import.meta.url));
const folderOf = (name: string) => dirname(createRequire(import.meta.url).resolve(`${name}/package.json`));
const swaggerFolder = folderOf("swagger-ui-dist");
const clientFolder = folderOf("@tapedeck/client");
/** What `npm run build -w services/dashboard` makes. */
const dashboardFolder = fileURLToPath(new URL("../../../dashboard/dist/", import.meta.url));

/** An address with brackets is none that a policy can name, so [::1] is not among them. */
const loopbackHosts = ["localhost:*", "*.localhost:*", "127.0.0.1:*"];

/**
 * Scripts of our own origin only, which connect to it and, where the dashboard may be used with clusters elsewhere (`?api=`), to those.
 *
 * @param apis origins, or `loopback`; by default what the guard expects pages to come from
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

/** Names change with the content, so whoever has one of these has it for good. */
const immutable = "public, max-age=31536000, immutable";
/** May be kept, but has to be asked for again each time; the answer is mostly 304. */
const revalidate = "no-cache";

export const pageRoutes: readonly Route[] = [
  // The dashboard's own paths. It finds its way by the address, so each of them is the same page.
  page("/", join(dashboardFolder, "index.html")),
  page("/operations", join(dashboardFolder, "index.html")),
  page("/icon.svg", join(dashboardFolder, "icon.svg")),
  route({
    ...noInput,
    method: "GET",
    path: "/assets/{file}",
    access: "public",
    tag: "Pages",
    summary: "What the dashboard's page loads",
    params: z.object({ file: z.string() }),
    async handle({ params: { file } }, { pagePolicy: policy }) {
      // No path can lead elsewhere: a name has no slash and begins with no dot.
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

/** Files are few and small enough to stay in memory, from their first use on. */
function loadOnce(file: string, caching: string): Promise<RawResponse> {
  const known = loaded.get(file);
  if (known) return known;
  const answer = read(file, caching);
  loaded.set(file, answer);
  // One that is not there yet may be built later.
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
  // Fonts are compressed as they are.
  const small = type === ".woff2" ? undefined : await promisify(gzip)(bytes, { level: 9 });
  return new RawResponse(types[type] ?? "application/octet-stream", bytes, headers, small);
}

function noSuchFile(): RefusedError {
  const message =
    "There is no such file. The dashboard is built by npm start, or by npm run build -w services/dashboard.";
  return new RefusedError(refuse("ROUTE_NOT_FOUND", message));
}
