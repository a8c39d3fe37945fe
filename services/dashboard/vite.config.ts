import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

export default defineConfig({
  plugins: [react()],
  // The workspace's packages are bundled from their sources, so that a build needs no other build before it.
  resolve: { conditions: ["tapedeck-source", "module", "browser", "import", "default"] },
  build: {
    target: "es2022",
    // One request fewer on the way to the first frame than with a file of preloads.
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 700,
    // What of others' is in it, for the list that each image has of its contents.
    license: { fileName: "packages.json" },
  },
  server: {
    // `npm run dev -w services/dashboard` beside a cluster of `npm start`.
    proxy: {
      "^/(sessions|replay|mode|tapes|health|metrics|features|reports|docs|openapi.json)": "http://127.0.0.1:8000",
      "/ws": { target: "ws://127.0.0.1:8000", ws: true },
    },
  },
});
