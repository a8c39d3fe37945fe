import { once } from "node:events";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { z } from "zod";
import { TestCluster } from "../support/cluster.js";
import { type CheckedService, Haproxy, haproxyIsThere } from "../support/haproxy.js";
import { now, Viewer } from "../support/viewer.js";
import "../support/expect.js";

describe.skipIf(!haproxyIsThere)("the balancer of docker-compose.yml before real apis and gateways", () => {
  let cluster: TestCluster;
  let balancer: Haproxy;
  let session: string;
  let statusUrls: ReadonlyMap<string, string>;
  const opened: Viewer[] = [];

  beforeAll(async () => {
    // Unready for long enough that sockets can be counted meanwhile.
    const env = { gateway: { UNREADY_MS: "6000" }, all: { STATUS_PORT: "0" } };
    cluster = await TestCluster.start({ gateways: 3, apis: 2, tickers: 1, restart: false, env });
    session = (await cluster.http.create({ tape: "usdm" })).session_id;
    await cluster.http.control(session, "start");
    const served = [...cluster.apis, ...cluster.gateways].map(({ url }) => url);
    await cluster.until(async () => {
      statusUrls = await statusUrlsOf(cluster);
      return served.every((url) => statusUrls.get(url));
    }, "the heartbeat of each api and gateway");
  });
  afterAll(async () => {
    await Promise.all(opened.map((viewer) => viewer.close()));
    await balancer?.stop();
    await cluster?.stop();
  });

  async function started(): Promise<Haproxy> {
    await balancer?.stop();
    const checked = ({ url }: { readonly url: string }): CheckedService => ({
      url,
      statusUrl: statusUrls.get(url) ?? "",
    });
    balancer = await Haproxy.start({
      apis: cluster.apis.map(checked),
      gateways: cluster.gateways.filter(({ ready }) => ready).map(checked),
    });
    await cluster.until(() => balancer.healthy(), "the balancer to find an api and a gateway");
    return balancer;
  }

  async function watch(url = balancer.url, { reconnect = false } = {}): Promise<Viewer> {
    const viewer = await Viewer.watch({ gateways: [url], sessionId: session, reconnect });
    opened.push(viewer);
    return viewer;
  }

  /** The gateways that new sockets land on, by their names. */
  async function gatewaysOf(sockets: number): Promise<Set<string>> {
    const viewers = await Promise.all(Array.from({ length: sockets }, () => watch()));
    const nodes = viewers.map((viewer) => viewer.messagesOf("session")[0]?.node ?? "");
    await Promise.all(viewers.map((viewer) => viewer.close()));
    return new Set(nodes.map((node) => node.replace(/-\w+$/, "")));
  }

  test("[DP9] it forwards frames, and spreads sockets over the gateways and requests over the apis", async () => {
    await started();
    const viewer = await watch();
    // A server counts as up until some checks have failed: what holds after several rounds of them holds.
    const checked = now() + 5_000;
    await viewer.until(() => (viewer.frames.at(-1)?.at ?? 0) > checked, "frames for some rounds of checks");
    expect(viewer.frames).toHaveConsecutiveSeqs();
    await expect
      .poll(() => gatewaysOf(6), { timeout: 10_000 })
      .toEqual(new Set(cluster.gateways.map(({ name }) => name)));
    const nodes = await Promise.all(
      Array.from(
        { length: 4 },
        async () => (await fetch(`${balancer.url}/health`)).headers.get("x-tapedeck-node") ?? "",
      ),
    );
    expect(new Set(nodes.map((node) => node.replace(/-\w+$/, "")))).toEqual(
      new Set(cluster.apis.map(({ name }) => name)),
    );
  });

  test("[TM13] sockets of replays go to the apis", async () => {
    await started();
    const path = "/tardis/ws-replay-normalized?options=0";
    const socket = new WebSocket(balancer.url.replace("http", "ws") + path);
    const [code, reason] = await once(socket, "close");
    expect([code, String(reason)]).toEqual([1008, expect.stringMatching(/^options\.0: /)]);
  });

  test("[DP50] a client's address is the one that the balancer sees, whatever X-Forwarded-For the client sends", async () => {
    await started();
    // Here, as at a published port, the balancer sees an address that is trusted: that of the host itself.
    const headers = { "X-Forwarded-For": "6.6.6.6" };
    const made = await fetch(`${balancer.url}/sessions/create`, { method: "POST", headers });
    const { session_id: byRequest } = z.object({ session_id: z.string() }).parse(await made.json());
    const bySocket = `forged-${byRequest}`;
    const socket = new WebSocket(`${balancer.url.replace("http", "ws")}/ws/${bySocket}`, { headers });
    await once(socket, "message");
    socket.terminate();
    for (const id of [byRequest, bySocket]) {
      expect((await cluster.record(id)).createdBy).toBe("127.0.0.1");
      await cluster.http.delete(id);
    }
  });

  test("[DP62] it ends the sockets of a frozen gateway, whose viewers resume elsewhere and miss nothing", async () => {
    await started();
    const viewers = await Promise.all(Array.from({ length: 6 }, () => watch(undefined, { reconnect: true })));
    const [frozen] = cluster.gateways;
    const on = viewers.filter((viewer) => viewer.messagesOf("session")[0]?.node.startsWith(frozen?.name ?? "none"));
    if (frozen === undefined || on.length === 0) throw new Error("no viewer is on the first gateway");
    await Promise.all(viewers.map((viewer) => viewer.next(2)));
    const began = now();
    cluster.signal(frozen, "SIGSTOP");
    try {
      await Promise.all(on.map((viewer) => viewer.until(() => viewer.connections === 2, "its second connection")));
      cluster.note(`HAProxy leaves a frozen gateway: viewers resume after ${Math.round(now() - began)} ms`);
      // Checks of 450 ms, two in a row, begin within 200 ms; a machine with other work takes longer.
      expect(now() - began).toBeLessThan(1_100 + 2_500);
      await Promise.all(viewers.map((viewer) => viewer.next(2)));
    } finally {
      cluster.signal(frozen, "SIGCONT");
    }
    for (const viewer of on) expect(viewer.closes).toEqual([1006]);
    for (const viewer of viewers) expect(viewer.frames).toHaveConsecutiveSeqs();
    for (const viewer of viewers.filter((other) => !on.includes(other))) expect(viewer.closes).toEqual([]);
    await Promise.all(viewers.map((viewer) => viewer.close()));
  });

  test("[DP63] GETs that a frozen api got are repeated on another one: none fails", async () => {
    await started();
    const nodes = await Promise.all(
      Array.from(
        { length: 2 },
        async () => (await fetch(`${balancer.url}/health`)).headers.get("x-tapedeck-node") ?? "",
      ),
    );
    expect(new Set(nodes.map((node) => node.replace(/-\w+$/, ""))).size).toBe(2);
    const [frozen] = cluster.apis;
    if (frozen === undefined) throw new Error("no api");
    cluster.signal(frozen, "SIGSTOP");
    try {
      const began = now();
      const asked = Array.from({ length: 20 }, async () => {
        const { status } = await fetch(`${balancer.url}/sessions/${session}`);
        return { status, ms: now() - began };
      });
      const answers = await Promise.all(asked);
      const slowest = Math.round(Math.max(...answers.map(({ ms }) => ms)));
      cluster.note(`HAProxy repeats GETs of a frozen api: the last of 20 responses after ${slowest} ms`);
      expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
      expect(slowest).toBeLessThan(1_100 + 2_500);
    } finally {
      cluster.signal(frozen, "SIGCONT");
    }
  });

  test("[DP9] it avoids an unready gateway and a killed one", async () => {
    await started();
    const [unready, killed, last] = cluster.gateways;
    if (!unready || !killed || !last) throw new Error("three gateways were asked for");
    await expect.poll(() => gatewaysOf(6), { timeout: 10_000 }).toHaveProperty("size", 3);

    const { url } = unready;
    const viewers = await Promise.all(Array.from({ length: 3 }, () => watch(undefined, { reconnect: true })));
    const leaving = viewers.find((viewer) => viewer.messagesOf("session")[0]?.node.startsWith(unready.name));
    if (!leaving) throw new Error("each of three sockets is on another gateway");
    cluster.signal(unready, "SIGTERM");
    await expect.poll(() => gatewaysOf(4), { timeout: 5_000 }).toEqual(new Set([killed.name, last.name]));
    // It takes sockets itself all the while: the balancer keeps off of its own accord.
    expect((await watch(url)).messagesOf("session")[0]?.node).toMatch(unready.name);
    // A check may not end sockets that the gateway closes itself, one after the other.
    await leaving.until(() => leaving.connections === 2, "its second connection");
    expect(leaving.closes).toEqual([1012]);
    expect(leaving.frames).toHaveConsecutiveSeqs();

    cluster.signal(killed, "SIGKILL");
    await expect.poll(() => gatewaysOf(4).catch(() => new Set()), { timeout: 5_000 }).toEqual(new Set([last.name]));
    await (await watch()).next(3);
  });

  test("[DP11] it is healthy only while a gateway is ready", async () => {
    await started();
    const [last] = cluster.gateways.filter(({ ready }) => ready);
    if (!last) throw new Error("no gateway is left");
    process.kill(last.pid, "SIGSTOP");
    await expect.poll(() => balancer.healthy(), { timeout: 10_000 }).toBe(false);
    process.kill(last.pid, "SIGCONT");
    await expect.poll(() => balancer.healthy(), { timeout: 10_000 }).toBe(true);
  });

  test("[DP11] on SIGTERM it finishes the requests under way and exits within two seconds, with sockets open", async () => {
    await started();
    const viewer = await watch();
    await viewer.next(2);
    const { hostname, port } = new URL(balancer.url);
    const request = connect(Number(port), hostname);
    request.write("GET /health HTTP/1.1\r\nHost: localhost\r\n");
    await once(request, "connect");
    const ended = balancer.end("SIGUSR1");
    await expect.poll(() => refuses(balancer.url)).toBe(true);
    request.write("\r\n");
    expect(await text(request)).toMatch(/^HTTP\/1\.1 200/);
    expect(await ended).toBeLessThan(3_000);
    await viewer.until(() => viewer.closed !== undefined, "the end of its socket");
  });
});

function refuses(url: string): Promise<boolean> {
  return fetch(url).then(
    () => false,
    () => true,
  );
}

/** Where each node is checked, by the address at which it serves: what its heartbeat says. */
async function statusUrlsOf({ redis, keys }: TestCluster): Promise<Map<string, string>> {
  const nodes = await redis.zrange(keys.nodes, "0", "-1");
  const beats = await Promise.all(nodes.map((node) => redis.hgetall(keys.node(node))));
  return new Map(beats.map(({ url = "", status_url = "" }) => [url, status_url]));
}
