import type { ClusterClient, TapedeckOptions } from "@tapedeck/client";
import { expect } from "vitest";
import { type TestCluster, testOnCluster } from "../support/cluster.js";
import "../support/expect.js";
import { clientAt, SdkViewer } from "../support/sdk-viewer.js";
import { signIn, tokenOf } from "../support/sign-in.js";
import { now } from "../support/viewer.js";

const test = testOnCluster(() => ({ env: { all: signIn } }));

/** In seconds; tokens tell their end in whole ones. */
const brief = 5;

function deckOf(cluster: TestCluster, token: TapedeckOptions["token"]): ClusterClient {
  return clientAt(cluster.url, token === undefined ? {} : { token });
}

/** Plays until a frame has come after the first token's end. */
async function playPast(viewer: SdkViewer, end: number): Promise<void> {
  await viewer.session.start();
  await viewer.until(() => (viewer.frames.at(-1)?.at ?? 0) > end, "a frame after the token's end", 30_000);
}

test("[CL24] without a token, and with another user's, a session is refused by its code", async ({ cluster }) => {
  const session = await deckOf(cluster, await tokenOf("ada")).open({ tape: "usdm" });
  await expect(deckOf(cluster, undefined).open()).rejects.toMatchObject({ code: "UNAUTHORIZED" });
  await expect(deckOf(cluster, undefined).join(session.id)).rejects.toMatchObject({ code: "UNAUTHORIZED" });
  await expect(deckOf(cluster, await tokenOf("ben")).join(session.id)).rejects.toMatchObject({
    code: "SESSION_NOT_FOUND",
  });
  session.close();
});

test("[CL35] a token is replaced before it expires, and nothing is interrupted", async ({ cluster }) => {
  const truth = await cluster.recording("usdm");
  const viewer = await SdkViewer.open(
    deckOf(cluster, () => tokenOf("ada", "controller", brief)),
    { tape: "usdm" },
  );
  await playPast(viewer, now() + 1.5 * brief * 1000);
  expect(viewer.connections).toEqual([]);
  expect(viewer.frames).toHaveConsecutiveSeqs();
  expect(viewer.frames).toBeOfTape(truth);
  viewer.session.close();
});

test("[CL35] one that expires because no other could be had is replaced at coming back, and nothing is missed", async ({
  cluster,
}) => {
  const truth = await cluster.recording("usdm");
  // For the call that makes the session, for the connection, when it is about to end, and afterwards.
  const answers = [
    () => tokenOf("ada"),
    () => tokenOf("ada", "controller", brief),
    () => Promise.reject(new Error("signed out")),
  ];
  const viewer = await SdkViewer.open(
    deckOf(cluster, () => (answers.shift() ?? (() => tokenOf("ada")))()),
    { tape: "usdm" },
  );
  await playPast(viewer, now() + (brief + 1) * 1000);
  expect(answers).toEqual([]);
  expect(viewer.connections.map(({ connection }) => connection)).toEqual(["reconnecting", "open"]);
  expect(viewer.connections[0]?.why).toMatch(/4401/);
  expect(viewer.histories).toHaveLength(1);
  expect(viewer.frames).toHaveConsecutiveSeqs();
  expect(viewer.frames).toBeOfTape(truth);
  viewer.session.close();
});

test("[CL35] a fixed token that expires ends the session here", async ({ cluster }) => {
  const viewer = await SdkViewer.open(deckOf(cluster, await tokenOf("ada", "controller", brief)), { tape: "usdm" });
  await viewer.until(() => viewer.end !== undefined, "the end");
  expect(viewer.end).toMatchObject({ reason: "refused", error: { code: "UNAUTHORIZED" } });
  const again = await deckOf(cluster, await tokenOf("ada")).join(viewer.session.id);
  again.close();
});

test("[CL16] a link lets others in, to do what it says, until it is revoked", async ({ cluster }) => {
  const client = deckOf(cluster, await tokenOf("ada"));
  const session = await client.open({ tape: "usdm" });
  const { share, token } = await client.shares.create(session.id, { role: "viewer", seconds: 600 });
  expect((await client.shares.list(session.id)).map(({ id }) => id)).toEqual([share.id]);
  const guest = new SdkViewer(await deckOf(cluster, token).join(session.id));
  await session.start();
  await guest.next(5);
  await expect(guest.session.pause()).rejects.toMatchObject({ code: "FORBIDDEN" });
  await client.shares.revoke(session.id, share.id);
  await guest.until(() => guest.end !== undefined, "the end", 15_000);
  expect(guest.end).toMatchObject({ reason: "refused", error: { code: "UNAUTHORIZED" } });
  session.close();
});
