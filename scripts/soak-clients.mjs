// npm run soak:clients: clients of Binance at sessions' venues for minutes, with a thousand orders each, compared with what the sessions have.
import { bin, build, dependencies, endWithNpm, node, prepare, redis, run } from "./prepare.mjs";

await prepare(node, dependencies, redis, build);
endWithNpm();
process.exit(await run(bin("tsx"), ["test/venue/soak/main.ts", ...process.argv.slice(2)]));
