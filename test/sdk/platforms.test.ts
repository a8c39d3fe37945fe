import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import { z } from "zod";
import { haveBrowser, Pages } from "../support/browser.js";
import { test } from "../support/cluster.js";
import { Program } from "../support/program.js";
import { SilentProxy } from "../support/silent-proxy.js";

/** Behind a flag in Node 20. */
const nativeWebSocket = Number(process.versions.node.split(".")[0]) < 22 ? ["--experimental-websocket"] : [];

/** Longer than a ping and its answer may take. */
const suspendedMs = 5000;

test("[CL27] [CL40] the WebSocket of Node works as well as the one of the package ws", async ({ cluster }) => {
  const program = Program.of(
    `import { tapedeck } from "@tapedeck/client";
     const session = await tapedeck({ url: ${JSON.stringify(cluster.url)} }).open({ speed: 10 });
     let left = 20;
     session.onFrame(() => { if (--left === 0) session.close(); });
     session.onEnd(({ reason }) => console.log(reason, session.stats.framesReceived));
     await session.start();`,
    "--no-warnings",
    ...nativeWebSocket,
  );
  expect(await program.ended).toBe(0);
  expect([program.out, program.err]).toEqual(["closed 20\n", ""]);
});

test("[CL40] a program that closes its session on a silent network still exits soon", async ({ cluster }) => {
  const [gateway] = cluster.gateways;
  const proxy = await SilentProxy.inFrontOf(gateway?.url ?? "");
  const program = Program.of(
    `import { tapedeck } from "@tapedeck/client";
     import WebSocket from "ws";
     const at = { url: ${JSON.stringify(cluster.url)}, gateways: ${JSON.stringify(proxy.url)}, WebSocket };
     const session = await tapedeck(at).open();
     console.log("open");
     process.stdin.once("data", () => {
       process.stdin.destroy();
       session.close();
       console.log(session.connection);
     });`,
  );
  await program.untilOutput("open");
  proxy.goSilent();
  const asked = performance.now();
  program.sendLine("leave");
  expect(await program.ended).toBe(0);
  expect(program.out).toBe("open\nclosed\n");
  expect(performance.now() - asked).toBeLessThan(5000); // ws alone would wait for 30 s
  await proxy.close();
});

test("[CL37] a program that was suspended for seconds keeps its connections, and misses no frame", async ({
  cluster,
}) => {
  const program = Program.of(
    `import { tapedeck } from "@tapedeck/client";
     import WebSocket from "ws";
     const client = tapedeck({ url: ${JSON.stringify(cluster.url)}, WebSocket });
     const [playing, paused] = [await client.open({ tape: "usdm" }), await client.open({ tape: "usdm" })];
     const lost = [];
     for (const session of [playing, paused]) session.onConnection(({ why }) => why && lost.push(why));
     let [last, breaks, frames] = [undefined, 0, 0];
     playing.onFrame(({ seq, skipped = 0 }) => {
       if (last !== undefined && seq - skipped !== last + 1) breaks++;
       last = seq;
       if (++frames === 20) console.log("plays");
     });
     await playing.start();
     process.stdin.once("data", () => {
       process.stdin.destroy();
       console.log(JSON.stringify({ lost, breaks, more: frames > 40 }));
       client.sessions.delete(playing.id).then(() => paused.close());
     });`,
  );
  await program.untilOutput("plays");
  program.signal("SIGSTOP");
  await sleep(suspendedMs);
  program.signal("SIGCONT");
  await sleep(3000); // longer than the wait for an answer, so that a connection that was given up would show
  program.sendLine("report");
  expect(await program.ended).toBe(0);
  expect([program.out.split("\n")[1], program.err]).toEqual(['{"lost":[],"breaks":0,"more":true}', ""]);
});

const seen = z.object({ seqs: z.array(z.int()), nodes: z.array(z.string()), whys: z.array(z.string()) });

test.skipIf(!haveBrowser)(
  "[CL32] [CL36] in a browser, too, a silent network is noticed and no frame is missed",
  async ({ cluster }) => {
    const [first, second] = cluster.gateways;
    const proxy = await SilentProxy.inFrontOf(first?.url ?? "");
    const pages = await Pages.open();
    try {
      const gateways = JSON.stringify([proxy.url, second?.url]);
      const { page, errors } = await pages.show(
        "/silence.html",
        `<!doctype html><script type="module">
         import { tapedeck } from "${cluster.url}/sdk.js";
         const seen = (window.seen = { seqs: [], nodes: [], whys: [] });
         const client = tapedeck({ url: "${cluster.url}", gateways: ${gateways} });
         const session = await client.open({ maxFps: 0 });
         session.onHistory(({ frames }) => seen.seqs.push(...frames.map(({ seq }) => seq)));
         session.onFrame(({ seq }) => seen.seqs.push(seq));
         session.onConnection(({ why }) => (why ? seen.whys.push(why) : seen.nodes.push(session.node)));
         await session.start();
       </script>`,
      );
      await page.waitForFunction("window.seen?.seqs.length > 20");
      proxy.goSilent();
      await page.waitForFunction("window.seen.nodes.length > 0");
      const before = seen.parse(await page.evaluate("window.seen"));
      await page.waitForFunction(`window.seen.seqs.length > ${before.seqs.length + 20}`);
      const { seqs, whys } = seen.parse(await page.evaluate("window.seen"));
      expect(whys[0]).toBe("the network is silent");
      expect(seqs).toEqual(seqs.map((_, at) => at));
      expect(errors).toEqual([]);
    } finally {
      await pages.close();
      await proxy.close();
    }
  },
);
