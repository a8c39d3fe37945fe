import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { bare, type Route, route, Verbatim } from "./route.js";

const types: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".png": "image/png",
  ".svg": "image/svg+xml",
};

/** Works from src/ and dist/ alike. */
const ownFolder = fileURLToPath(new URL("../public/", import.meta.url));
const folderOf = (name: string) => dirname(createRequire(import.meta.url).resolve(`${name}/package.json`));
const swaggerFolder = folderOf("swagger-ui-dist");
const clientFolder = folderOf("@tapedeck/client");

/** Scripts and connections of our own origin only; Swagger UI draws its icons as data: images and sets inline styles. */
const policy =
  "default-src 'self'; connect-src 'self' ws: wss:; img-src 'self' data:; style-src 'self' 'unsafe-inline'; " +
  "frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/** Every file that is served, by name, so that no path can lead elsewhere. */
export const pageRoutes: readonly Route[] = [
  page("/", join(ownFolder, "index.html")),
  page("/deck.js", join(ownFolder, "deck.js")),
  page("/deck.css", join(ownFolder, "deck.css")),
  page("/sdk.js", join(clientFolder, "dist", "sdk.js")),
  page("/docs", join(ownFolder, "docs.html")),
  page("/docs/page.js", join(ownFolder, "docs.js")),
  page("/docs/swagger-ui.css", join(swaggerFolder, "swagger-ui.css")),
  page("/docs/swagger-ui-bundle.js", join(swaggerFolder, "swagger-ui-bundle.js")),
];

function page(path: string, file: string): Route {
  let loaded: Promise<Verbatim> | undefined;
  return route({
    ...bare,
    method: "GET",
    path,
    tag: "Pages",
    summary: path,
    async handle() {
      loaded ??= load(file);
      return loaded;
    },
  });
}

/** Files are few and small enough to stay in memory, from their first use on. */
async function load(file: string): Promise<Verbatim> {
  const bytes = await readFile(file);
  return new Verbatim(types[extname(file)] ?? "application/octet-stream", bytes, {
    "Cache-Control": "no-cache",
    ETag: `"${createHash("sha256").update(bytes).digest("base64url").slice(0, 16)}"`,
    "Content-Security-Policy": policy,
    "X-Content-Type-Options": "nosniff",
  });
}
