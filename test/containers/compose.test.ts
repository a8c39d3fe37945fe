import { chmod, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createAnswer } from "@tapedeck/protocol";
import { SignJWT } from "jose";
import { expect } from "vitest";
import { note } from "../support/note.js";
import { freePort } from "../support/redis-server.js";
import { type DisruptionOutcome, rowOf, tableOf, UserLoad } from "../support/user-load.js";
import { receivedFramesOf, watchSessions } from "../support/watched-sessions.js";
import "../support/expect.js";
import { ask, closeCodeOf, selfSigned, shownBy } from "./certificate.js";
import { type ContainerDisruption, containerDisruptions } from "./disruptions.js";
import { test } from "./in-containers.js";

const secret = "a secret of at least thirty-two characters";
/** `npm run test:containers` tries all that can happen; `npm test` what differs most. */
const all = process.env.TAPEDECK_TEST_CONTAINERS === "all";

test("[DP20] [DP21] 100 watched sessions of all modes lose no frame and receive none twice when containers are killed, restarted, scaled, upgraded, or taken down and brought up", {
  timeout: 900_000,
}, async ({ project }) => {
  const users = await UserLoad.start(project);
  const seen: { disruption: ContainerDisruption; outcome: DisruptionOutcome }[] = [];
  try {
    for (const disruption of containerDisruptions(project).filter(({ long }) => all || !long)) {
      const outcome = await users.during(disruption);
      note(`containers: ${rowOf(outcome)}`);
      seen.push({ disruption, outcome });
    }
  } finally {
    await users.stop();
  }
  note(`containers:\n${tableOf(seen.map(({ outcome }) => outcome))}`);
  for (const { disruption, outcome } of seen) {
    const { name, lost, repeated, failures } = outcome;
    expect([name, lost, repeated]).toEqual([name, 0, 0]);
    if (disruption.uninterrupted) expect([name, failures]).toEqual([name, []]);
  }
  for (const { id, frames, truth } of await receivedFramesOf(project, users.all)) {
    const flaw = frames.map((frame) => truth.flaw(frame)).find((found) => found !== undefined);
    expect(flaw, `${id} receives a frame that the tape does not have`).toBeUndefined();
  }
});

test("[DP21] a release that does not become ready is removed, its log is shown, and the old containers stay", async ({
  project,
}) => {
  const ids = async () => (await project.of("gateway")).map(({ id }) => id);
  const before = await ids();
  await project.adjust({ services: { gateway: { environment: { DRAIN_MS: "soon" } } } });
  await expect(project.script("deploy/compose-upgrade.sh", "gateway")).rejects.toThrow(
    /DRAIN_MS +"soon" is not a whole number[\s\S]*does not become ready/,
  );
  expect(await ids()).toEqual(before);
  await project.adjust({});
});

test("[DP22] [DP25] with a token key and a certificate the cluster serves HTTPS and WSS to clients with tokens, and SIGUSR2 reloads a renewed certificate", async ({
  project,
}) => {
  const folder = await mkdtemp(join(tmpdir(), "tapedeck-certificates-"));
  const certificates = join(folder, "certificates");
  try {
    await mkdir(certificates);
    await chmod(folder, 0o755);
    const ca = await selfSigned(certificates);
    const port = `${await freePort()}`;
    const env = { TLS_CERTIFICATES: certificates, TLS_ADDRESS: "127.0.0.1", TLS_PORT: port };
    const url = `https://localhost:${port}`;
    const files = ["deploy/compose.tls.yml"];

    await project.adjust({ env, files });
    await project.compose("up", "--detach", "--no-build", "api", "gateway");
    for (const service of ["api", "gateway"])
      await project.until(
        async () => /which others can reach, and authentication is off/.test(await project.compose("logs", service)),
        `the ${service} to refuse to serve strangers`,
      );

    await project.adjust({ env: { ...env, AUTH_JWT_SECRET: secret }, files });
    await project.up();
    await project.until(
      async () => (await ask(`${url}/health/ready`, { ca }).catch(() => undefined))?.status === 200,
      "https",
    );
    const token = await tokenOf("ada");
    expect(await ask(`${url}/sessions/create`, { ca, method: "POST" })).toMatchObject({ status: 401 });
    const { status, body } = await ask(`${url}/sessions/create`, { ca, method: "POST", token });
    expect([status, body]).toMatchObject([200, { session: { user_id: "ada" } }]);
    const { session_id: id } = createAnswer.parse(body);
    const headers = { authorization: `Bearer ${token}` };
    const viewer = await project.watch(id, { gateways: [url], headers, ca });
    expect(await ask(`${url}/replay/start/${id}`, { ca, method: "POST", token })).toMatchObject({ status: 200 });
    await viewer.next(5);
    expect(viewer.frames).toHaveConsecutiveSeqs();
    await viewer.close();
    expect(await closeCodeOf(`${url}/ws?session_id=${id}`, ca)).toBe(4401);

    const old = await shownBy(url);
    await selfSigned(certificates);
    await project.compose("kill", "--signal", "USR2", "balancer");
    await project.until(async () => (await shownBy(url).catch(() => old)) !== old, "the renewed certificate");
  } finally {
    await project.adjust({});
    await rm(folder, { recursive: true, force: true });
  }
});

test("[DP24] the cluster starts and serves on an engine that lets a container open few files", async ({ project }) => {
  const ulimits = { nofile: { soft: 1024, hard: 1024 } };
  await project.adjust({ services: { balancer: { ulimits }, gateway: { ulimits }, api: { ulimits } } });
  await project.up();
  for (const service of ["balancer", "gateway", "api"] as const) {
    const [first] = await project.of(service);
    expect(await project.docker("exec", first?.id ?? "", "cat", "/proc/1/limits")).toMatch(
      /Max open files +1024 +1024/,
    );
  }
  const [session] = await watchSessions(project, [{ mode: "REPLAY", speed: 1, body: {} }]);
  await session?.viewer.next(5);
  await project.adjust({});
});

function tokenOf(user: string): Promise<string> {
  const claims = { sub: user, role: "controller", exp: Math.floor(Date.now() / 1000) + 600 };
  return new SignJWT(claims).setProtectedHeader({ alg: "HS256" }).sign(new TextEncoder().encode(secret));
}
