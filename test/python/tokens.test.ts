import { expect } from "vitest";
import { z } from "zod";
import "../support/expect.js";
import { signIn, tokenOf } from "../support/sign-in.js";
import { now } from "../support/viewer.js";
import { havePython, pythonTestOnCluster } from "./python-test.js";
import { fastTiming, type PythonViewer } from "./python-viewers.js";

const test = pythonTestOnCluster(() => ({ env: { all: signIn } })).skipIf(!havePython);

/** In seconds; tokens expire at whole seconds. */
const briefS = 5;

const tape = { timing: fastTiming, options: { tape: "usdm" } };

/** Plays until a frame arrives after the first token has expired. */
async function playPast(viewer: PythonViewer, end: number): Promise<void> {
  await viewer.command("start");
  await viewer.until(() => (viewer.frames.at(-1)?.at ?? 0) > end, "a frame after the token's end", 30_000);
}

test("[CL24] in Python: without a token, or with another user's, a session is refused with the right code", async ({
  cluster: { url },
  viewers,
}) => {
  const own = await viewers.open({ url, token: await tokenOf("ada"), ...tape });
  await expect(viewers.open({ url, ...tape })).rejects.toMatchObject({ code: "UNAUTHORIZED" });
  const other = { url, token: await tokenOf("ben"), timing: fastTiming };
  await expect(viewers.join(own.sessionId, other)).rejects.toMatchObject({ code: "SESSION_NOT_FOUND" });
});

test("[CL35] in Python: a token is replaced before it expires, without an interruption", async ({
  cluster,
  viewers,
}) => {
  const truth = await cluster.recording("usdm");
  // For the call that creates the session and for the connection, then before it expires.
  const brief = await tokenOf("ada", "controller", briefS);
  const tokens = [brief, brief, await tokenOf("ada")];
  const viewer = await viewers.open({ url: cluster.url, tokens, ...tape });
  await playPast(viewer, now() + 1.5 * briefS * 1000);
  expect(viewer.connections).toEqual([]);
  expect(viewer.frames).toHaveConsecutiveSeqs();
  expect(viewer.frames).toBeOfTape(truth);
});

test("[CL35] in Python: a token that expires because no fresh one was available is replaced on reconnecting, and no frame is missed", async ({
  cluster,
  viewers,
}) => {
  const truth = await cluster.recording("usdm");
  const long = await tokenOf("ada");
  const tokens = [long, await tokenOf("ada", "controller", briefS), null, long];
  const viewer = await viewers.open({ url: cluster.url, tokens, ...tape });
  await playPast(viewer, now() + (briefS + 1) * 1000);
  expect(viewer.connections.map(({ connection }) => connection)).toEqual(["reconnecting", "open"]);
  expect(viewer.connections[0]?.why).toMatch(/4401/);
  expect(viewer.histories).toHaveLength(1);
  expect(viewer.frames).toHaveConsecutiveSeqs();
  expect(viewer.frames).toBeOfTape(truth);
});

test("[CL35] in Python: when a fixed token expires, the session ends in this program", async ({
  cluster: { url },
  viewers,
}) => {
  const viewer = await viewers.open({ url, token: await tokenOf("ada", "controller", briefS), ...tape });
  await viewer.until(() => viewer.end !== undefined, "the end");
  expect(viewer.end).toMatchObject({ reason: "refused", error: { code: "UNAUTHORIZED" } });
  await viewers.join(viewer.sessionId, { url, token: await tokenOf("ada"), timing: fastTiming });
});

test("[CL16] in Python: a share link gives others access with its role until it is revoked", async ({
  cluster: { url },
  viewers,
}) => {
  const own = { url, token: await tokenOf("ada") };
  const session = await viewers.open({ ...own, ...tape });
  const call = (method: string, args: readonly string[], options = {}) =>
    viewers.call({ ...own, method, arguments: [session.sessionId, ...args], options });
  const created = await call("shares.create", [], { role: "viewer", seconds: 600 });
  const [share, token] = z.tuple([z.looseObject({ id: z.string() }), z.string()]).parse(created);
  expect(await call("shares.list", [])).toMatchObject([{ id: share.id }]);
  const guest = await viewers.join(session.sessionId, { url, token, timing: fastTiming });
  await session.command("start");
  await guest.next(5);
  await expect(guest.command("pause")).rejects.toMatchObject({ code: "FORBIDDEN" });
  await call("shares.revoke", [share.id]);
  await guest.until(() => guest.end !== undefined, "the end", 15_000);
  expect(guest.end).toMatchObject({ reason: "refused", error: { code: "UNAUTHORIZED" } });
});
