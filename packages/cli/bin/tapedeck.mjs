#!/usr/bin/env node
import { existsSync } from "node:fs";

// In the repository what is not compiled yet is compiled first. A package that was installed is ready, and has no sources.
const inRepository = existsSync(new URL("../src/main.ts", import.meta.url));
await import(inRepository ? "../../../scripts/tapedeck.mjs" : "../dist/tapedeck.js");
