import type { ClusterClient, TapedeckOptions } from "@tapedeck/client";
import { expect } from "vitest";
import { type TestCluster, testOnCluster } from "../support/cluster.js";
import "../support/expect.js";
import { clientAt, SdkViewer } from "../support/sdk-viewer.js";
import { signIn, tokenOf } from "../support/sign-in.js";
import { now } from "../support/viewer.js";

const test = testOnCluster(() => ({ env: { all: signIn } }));

/** In seconds; tokens expire at whole seconds. */
const briefS = 5;

function clientOf(cluster: TestCluster, token: TapedeckOptions["token"]): ClusterClient {
  return clientAt(cluster.url, token === undefined ? {} : { token });
}

/** Plays until a frame arrives after the first token has expired. */
async function playPast(viewer: SdkViewer, end: number): Promise<void> {
  await viewer.session.start();
  await viewer.until(() => (viewer.frames.at(-1)?.at ?? 0) > end, "a frame after the token's end", 30_000);
}

test("[CL24] without a token, or with another user's, a session is refused with the right code", async ({
  cluster,
}) => {
  const session = await clientOf(cluster, await tokenOf("ada")).open({ tape: "usdm" });
  await expect(clientOf(cluster, undefined).open()).rejects.toMatchObject({ code: "UNAUTHORIZED" });
  await expect(clientOf(cluster, undefined).join(session.id)).rejects.toMatchObject({ code: "UNAUTHORIZED" });
  await expect(clientOf(cluster, await tokenOf("ben")).join(session.id)).rejects.toMatchObject({
    code: "SESSION_NOT_FOUND",
  });
  session.close();
});

test("[CL35] a token is replaced before it expires, without an interruption", async ({ cluster }) => {
  const truth = await cluster.recording("usdm");
  const viewer = await SdkViewer.open(
    clientOf(cluster, () => tokenOf("ada", "controller", briefS)),
    { tape: "usdm" },
  );
  await playPast(viewer, now() + 1.5 * briefS * 1000);
  expect(viewer.connections).toEqual([]);
  expect(viewer.frames).toHaveConsecutiveSeqs();
  expect(viewer.frames).toBeOfTape(truth);
  viewer.session.close();
});

test("[CL35] a token that expires because no fresh one was available is replaced on reconnecting, and no frame is missed", async ({
  cluster,
}) => {
  const truth = await cluster.recording("usdm");
  // For the call that creates the session, for the connection, before the token expires, and afterwards.
  const answers = [
    () => tokenOf("ada"),
    () => tokenOf("ada", "controller", briefS),
    () => Promise.reject(new Error("signed out")),
  ];
  const viewer = await SdkViewer.open(
    clientOf(cluster, () => (answers.shift() ?? (() => tokenOf("ada")))()),
    { tape: "usdm" },
  );
  await playPast(viewer, now() + (briefS + 1) * 1000);
  expect(answers).toEqual([]);
  expect(viewer.connections.map(({ connection }) => connection)).toEqual(["reconnecting", "open"]);
  expect(viewer.connections[0]?.why).toMatch(/4401/);
  expect(viewer.histories).toHaveLength(1);
  expect(viewer.frames).toHaveConsecutiveSeqs();
  expect(viewer.frames).toBeOfTape(truth);
  viewer.session.close();
});

test("[CL35] when a fixed token expires, the session ends in this program", async ({ cluster }) => {
  const viewer = await SdkViewer.open(clientOf(cluster, await tokenOf("ada", "controller", briefS)), { tape: "usdm" });
  await viewer.until(() => viewer.end !== undefined, "the end");
  expect(viewer.end).toMatchObject({ reason: "refused", error: { code: "UNAUTHORIZED" } });
  const again = await clientOf(cluster, await tokenOf("ada")).join(viewer.session.id);
  again.close();
});

test("[CL16] a share link gives others access with its role until it is revoked", async ({ cluster }) => {
  const client = clientOf(cluster, await tokenOf("ada"));
  const session = await client.open({ tape: "usdm" });
  const { share, token } = await client.shares.create(session.id, { role: "viewer", seconds: 600 });
  expect((await client.shares.list(session.id)).map(({ id }) => id)).toEqual([share.id]);
  const guest = new SdkViewer(await clientOf(cluster, token).join(session.id));
  await session.start();
  await guest.next(5);
  await expect(guest.session.pause()).rejects.toMatchObject({ code: "FORBIDDEN" });
  await client.shares.revoke(session.id, share.id);
  await guest.until(() => guest.end !== undefined, "the end", 15_000);
  expect(guest.end).toMatchObject({ reason: "refused", error: { code: "UNAUTHORIZED" } });
  session.close();
});
