import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { TestCluster } from "../../support/cluster.js";
import { type RedisServer, startRedisServer } from "../../support/redis-server.js";
import { signIn } from "../../support/sign-in.js";
import { AuditedClients } from "../audited-clients.js";
import { Bystanders } from "../bystanders.js";

const password = "correct-horse-battery-staple";
const budget = 60;
let redis: RedisServer;
let cluster: TestCluster;

beforeAll(async () => {
  redis = await startRedisServer(["--requirepass", password]);
  cluster = await TestCluster.start({
    redisUrl: `redis://:${password}@${new URL(redis.url).host}`,
    env: {
      all: { LOG_LEVEL: "warn", AUDIT_STREAM: "1000", ...signIn },
      gateway: { LIMIT_SOCKET_MESSAGES: `${budget}/60` },
    },
  });
});
afterAll(async () => {
  await cluster?.stop();
  await redis?.stop();
});

const session = "adas";
const controls: readonly [path: string, action: string, body?: object][] = [
  ["/replay/start/adas", "start"],
  ["/replay/adas/pause", "pause"],
  ["/replay/resume/adas", "resume"],
  ["/replay/adas/speed/2", "speed"],
  ["/replay/goback/1/adas", "goback"],
  ["/replay/seek/adas", "seek", { seq: 3 }],
  ["/replay/seek/adas", "seek", { seq: -3 }],
  ["/replay/adas/step", "step", { frames: 1 }],
  ["/replay/range/adas", "range", { loop: false }],
  ["/replay/adas/live", "live"],
  ["/replay/stop/adas", "stop"],
  ["/mode/adas", "mode", { mode: "SIMULATION", seed: 7 }],
  ["/replay/start/adas", "start"],
  ["/replay/order/adas", "order", { side: "BUY", quantity: 1 }],
  ["/mode", "mode", { mode: "REPLAY", session_id: session }],
];
/** What stands in a path over HTTP. */
const inPath: Record<string, object> = { speed: { value: 2 }, goback: { seconds: 1 } };

const ada = ["ada"] as const;
const vic = ["vic", "viewer"] as const;

async function commands(acts: AuditedClients): Promise<void> {
  for (const [path, action, body] of controls) {
    const event = action === "order" ? "order" : "command";
    await acts.request("POST", path, { as: ada, line: { event, action, session } }, body);
  }
  await acts.command(
    session,
    "ada",
    controls.map(([, name, body]) => [name, inPath[name] ?? body ?? {}]),
  );
  const pause = { event: "command", action: "pause", session };
  await acts.request("POST", "/replay/pause/adas", { as: ["ben"], line: pause });
  const hostile = 'mallory\n{"audit":true,"event":"command","result":"ok","request_id":"act-0"}';
  await acts.request("POST", "/replay/pause/adas", { as: [hostile], line: pause });
  await acts.request("POST", "/replay/speed/9", { as: vic, line: { action: "speed", session: "global" } });
}

async function signIns(acts: AuditedClients): Promise<void> {
  const expired = await acts.token("ada", "controller", -60);
  const foreign = { cookie: `tapedeck_token=${await acts.token("ada")}`, origin: "https://evil.example" };
  const wrong = { authorization: "Bearer ey.not.one" };

  await acts.request("GET", "/sessions/adas", { line: { action: "GET /sessions/{id}", session } });
  await acts.request("GET", "/tapes", { headers: wrong, line: { action: "GET /tapes" } });
  const old = { authorization: `Bearer ${expired}` };
  await acts.request("POST", "/replay/stop/adas", { headers: old, line: { action: "stop", session } });
  await acts.request("GET", "/sessions", { as: vic, line: { action: "GET /sessions" } });
  // A request from another site's page is refused before it is parsed.
  const byCookie = { action: "DELETE", reason: expect.stringContaining("https://evil.example") };
  await acts.request("DELETE", "/sessions/adas", { headers: foreign, line: byCookie });
  const login = { email: "ada@example.com", password };
  await acts.request("POST", "/auth/login", { line: { action: "POST /auth/login", reason: undefined } }, login);

  await acts.refused(session, 4401, { headers: wrong });
  await acts.refused(session, 4401, { legacy: true });
  await acts.refused(session, 4401, {}, (client) => client.send(JSON.stringify({ type: "auth", token: expired })));
  await acts.refused(session, 4403, { token: await acts.token("ben"), line: { user: "ben", role: "controller" } });
  await acts.refused(session, 1008, { legacy: true, headers: foreign });
}

async function shares(acts: AuditedClients): Promise<void> {
  const share = { event: "share", action: "share", session, link: expect.any(String) };
  const made = await acts.request("POST", "/sessions/adas/shares", { as: ada, line: share }, { role: "controller" });
  const link = z.object({ token: z.string(), share: z.looseObject({ id: z.string() }) }).parse(JSON.parse(made));
  acts.secrets.add(link.token);
  const headers = { authorization: `Bearer ${link.token}` };
  const holder = { session, role: "controller", share: link.share.id };
  await acts.request("POST", "/replay/start/adas", { headers, line: { ...holder, event: "command", action: "start" } });
  await acts.request("DELETE", "/sessions/adas", { headers, line: { ...holder, action: "delete" } });

  const watching = acts.refused(session, 4401, { token: link.token, line: holder });
  const watched = async () => (await cluster.redis.hlen(cluster.keys.viewers(session))) > 0;
  await cluster.until(watched, "the socket of the link");
  const revocation = { event: "revocation", action: "revoke", session, link: link.share.id };
  await acts.request("DELETE", `/sessions/adas/shares/${link.share.id}`, { as: ada, line: revocation });
  await acts.request("GET", "/sessions/adas", { headers, line: { action: "GET /sessions/{id}", session } });
  await watching;
}

async function adminViews(acts: AuditedClients): Promise<void> {
  for (const path of ["/sessions", "/sessions/stats", "/metrics", "/metrics/dashboard", "/admin/queues"]) {
    const line = { event: "admin_view", action: `GET ${path}` };
    await acts.request("GET", path, { as: ["eve", "admin"], line });
  }
}

async function flood(acts: AuditedClients): Promise<void> {
  const line = { event: "limit", user: "ada", role: "controller" };
  await acts.refused(session, 4429, { token: await acts.token("ada"), line }, (client) => {
    for (let nth = 0; nth < 20 * budget; nth++) client.send(`{ garbage ${nth}`);
  });
}

test("[AC33] [AC34] [AC36] each action is one line of the trail, no output contains a password or a token, and other users notice nothing", async () => {
  const acts = new AuditedClients(cluster);
  for (const known of [password, ...Object.values(signIn)]) acts.secrets.add(known);
  const http = cluster.http.as({ authorization: `Bearer ${await acts.token("ada")}` });
  await http.create({ session_id: session, tape: "usdm" });
  const bystanders = await Bystanders.gather(cluster);
  await bystanders.during("on the audit trail", async () => {
    for (const attack of [commands, signIns, adminViews, flood, shares]) await attack(acts);
    await acts.request("DELETE", "/sessions/adas", { as: ada, line: { event: "deletion", action: "delete", session } });
  });
  expect(acts.count).toBeGreaterThan(50);
  await acts.expectTrail(({ user }) => String(user).startsWith("bystander-"));
  expect(await cluster.redis.xlen(cluster.keys.audit)).toBeGreaterThanOrEqual(acts.count);

  const output = await acts.output();
  expect(output).toContain('"audit":true');
  for (const secret of acts.secrets) expect(output.includes(secret), `${secret.slice(0, 12)}... shown`).toBe(false);
  await bystanders.leave();
});

test("[OB3] the balancer never forwards a request to a gateway's metrics, whatever Upgrade it offers", async () => {
  const key = { "sec-websocket-version": "13", "sec-websocket-key": "MDEyMzQ1Njc4OWFiY2RlZg==" };
  for (const headers of [
    { connection: "Upgrade", upgrade: "websocket" },
    { connection: "Upgrade", upgrade: "websocket", ...key },
    { connection: "Upgrade", upgrade: "WebSocket", ...key },
    { connection: "close" },
  ]) {
    const { hostname, port } = new URL(cluster.url);
    const client = connect(Number(port), hostname);
    const lines = Object.entries({ host: hostname, ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
    client.write(`GET /metrics HTTP/1.1\r\n${lines.join("")}\r\n`);
    const said = await text(client);
    expect(said, JSON.stringify(headers)).toMatch(/^HTTP\/1.1 (401|404) /);
    expect(said).not.toContain("tapedeck_");
  }
});
