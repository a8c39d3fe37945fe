// npm start: a whole local cluster, from a bare machine.
process.argv.splice(2, 0, "up");
await import("./tapedeck.mjs");
