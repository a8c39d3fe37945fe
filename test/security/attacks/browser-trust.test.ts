import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { haveBrowser, Pages } from "../../support/browser.js";
import { type TestCluster, testOnCluster, type User } from "../../support/cluster.js";
import "../../support/expect.js";

const test = testOnCluster(() => ({ apis: 1, gateways: 1, tickers: 1 }));
const attacker = "attacker.test";
/** What has no answer by then, in ms, has none: longer than answers take on a machine that others use too. */
const answerMs = 30_000;

interface Answer {
  readonly method: string;
  readonly path: string;
  readonly status: number;
}

/** A page in its own browser profile, and the answers that the browser receives for it, whether or not the page may read them. */
async function strangerAt(pages: Pages, url: string): Promise<{ page: Page; answers: Answer[] }> {
  const { page } = await pages.visit(url);
  const answers: Answer[] = [];
  page.on("response", (response) => {
    const { pathname: path } = new URL(response.url());
    answers.push({ method: response.request().method(), path, status: response.status() });
  });
  return { page, answers };
}

/**
 * What a page of any site may try on an address without the browser asking its user. Runs in the page, and answers all that the page
 * could read, and the codes with which its sockets were closed.
 */
async function attack({ http, sessions, ms }: { http: string; sessions: readonly string[]; ms: number }) {
  const read: string[] = [];
  const sockets: number[] = [];
  const tries: Promise<unknown>[] = [];
  const [victim = ""] = sessions;
  const looks = ["/sessions", "/metrics", "/admin/queues", "/tapes", `/sessions/${victim}`, "/health", "/"];
  const changes = sessions.flatMap((id) => [`/replay/speed/50/${id}`, `/replay/stop/${id}`, `/replay/${id}/goback/30`]);
  const keep = (what: string, got: string) => read.push(`${what}: ${got.slice(0, 200)}`);
  const ask = async (path: string, init: RequestInit) => {
    try {
      const answer = await fetch(http + path, init);
      if (answer.type !== "opaque") keep(path, `${answer.status} ${await answer.text()}`);
    } catch {
      // The browser hides the answer from the page.
    }
  };
  const planted = JSON.stringify({ session_id: "planted", mode: "SIMULATION" });
  for (const mode of ["cors", "no-cors"] as const) {
    tries.push(...looks.map((path) => ask(path, { mode })));
    tries.push(...[...changes, "/replay/speed/50"].map((path) => ask(path, { mode, method: "POST" })));
    tries.push(...["/sessions/create", "/mode"].map((path) => ask(path, { mode, method: "POST", body: planted })));
  }
  tries.push(ask(`/sessions/${victim}`, { method: "DELETE" }));
  for (const path of ["/metrics", "/sessions", "/icon.svg"]) {
    const image = new Image();
    tries.push(
      new Promise<void>((resolve) => {
        image.onload = () => {
          keep("image", path);
          resolve();
        };
        image.onerror = () => resolve();
      }),
    );
    image.src = http + path;
  }
  for (const enctype of ["application/x-www-form-urlencoded", "multipart/form-data", "text/plain"]) {
    for (const path of changes.filter((change) => change.includes(victim))) {
      const frame = document.createElement("iframe");
      frame.name = `frame${document.forms.length}`;
      const form = document.createElement("form");
      Object.assign(form, { method: "post", enctype, action: http + path, target: frame.name });
      document.body.append(frame, form);
      tries.push(new Promise((resolve) => frame.addEventListener("load", resolve)));
      form.submit();
    }
  }
  for (const protocols of [[], ["tapedeck.v1"]]) {
    for (const id of [victim, "planted"]) {
      const socket = new WebSocket(`${http.replace("http", "ws")}/ws/${id}`, protocols);
      socket.onopen = () => socket.send(JSON.stringify({ type: "command", id: "1", command: "speed", value: 50 }));
      socket.onmessage = ({ data }) => keep("socket", String(data));
      tries.push(
        new Promise<void>((resolve) => {
          socket.onclose = ({ code }) => {
            sockets.push(code);
            resolve();
          };
        }),
      );
    }
  }
  const patience = new Promise((resolve) => setTimeout(resolve, ms));
  await Promise.all(tries.map((done) => Promise.race([done, patience])));
  return { read, sockets };
}

describe.skipIf(!haveBrowser)("a page of another site in a browser beside a local cluster", () => {
  let pages: Pages;
  beforeAll(async () => {
    pages = await Pages.open([attacker]);
  });
  afterAll(() => pages?.close());

  /** The bystanders' sessions, which must not change, and all existing sessions. */
  async function standing(cluster: TestCluster, users: readonly User[]) {
    const records = await Promise.all(users.map(({ id }) => cluster.record(id)));
    const made = await cluster.redis.zrange(cluster.keys.created, "0", "-1");
    return { made, records: records.map(({ id, epoch, speed, state, mode }) => ({ id, epoch, speed, state, mode })) };
  }

  async function unharmed(cluster: TestCluster, run: (users: readonly User[]) => Promise<void>): Promise<void> {
    const users = await cluster.threeUsers();
    const before = await standing(cluster, users);
    await run(users);
    expect(await standing(cluster, users)).toEqual(before);
    for (const { viewer } of users) {
      await viewer.next(5);
      expect(viewer.closes).toEqual([]);
      expect(viewer.faults).toEqual([]);
      expect(viewer.live).toHaveConsecutiveSeqs();
    }
    await cluster.end(...users);
  }

  test("[AC28] cannot read or change anything by fetch, form, image and socket, on any port of the cluster", async ({
    cluster,
  }) => {
    const ports = {
      balancer: cluster.url,
      api: cluster.apis[0]?.url ?? "",
      gateway: cluster.gateways[0]?.url ?? "",
      status: cluster.tickers[0]?.url ?? "",
    };
    await unharmed(cluster, async (users) => {
      await Promise.all(
        Object.entries(ports).map(async ([name, http]) => {
          const home = new URL(pages.server.put("/attack.html", "<!doctype html><body></body>"));
          home.hostname = attacker;
          const { page, answers } = await strangerAt(pages, home.href);
          const sessions = users.map(({ id }) => id);
          const { read, sockets } = await page.evaluate(attack, { http, sessions, ms: answerMs });
          expect(read, name).toEqual([]);
          // All requests arrived: the cluster refused them, not the browser.
          expect(answers.length, name).toBeGreaterThan(20);
          expect(
            answers.filter(({ status }) => status !== 403),
            name,
          ).toEqual([]);
          const code = name === "balancer" || name === "gateway" ? 1008 : 1006; // others open no sockets at all
          expect(sockets, name).toEqual([code, code, code, code]);
          await page.context().close();
        }),
      );
    });
  });

  test("[AC28] nor by a name of its own that now resolves to this machine", async ({ cluster }) => {
    await unharmed(cluster, async (users) => {
      const served = [cluster, ...cluster.apis, ...cluster.gateways, ...cluster.tickers];
      await Promise.all(
        served.map(async ({ url }) => {
          const http = `http://${attacker}:${new URL(url).port}`;
          const { page, answers } = await strangerAt(pages, "about:blank");
          // The page was loaded while the name resolved to the attacker's server; from now on it resolves to the cluster.
          await page.route(`${http}/rebound`, (route) =>
            route.fulfill({ contentType: "text/html", body: "<!doctype html><body></body>" }),
          );
          await page.goto(`${http}/rebound`);
          answers.length = 0;
          const sessions = users.map(({ id }) => id);
          const { read } = await page.evaluate(attack, { http, sessions, ms: answerMs });
          expect(answers.length, url).toBeGreaterThan(20);
          expect(
            answers.filter(({ status }) => status !== 421),
            url,
          ).toEqual([]);
          expect(read.length, url).toBeGreaterThan(0); // of its own origin: the refusals
          expect(read.filter((got) => !/^[^:]*: 421 \{"status":"error","code":"HOST_NOT_ALLOWED"/.test(got))).toEqual(
            [],
          );
          await page.context().close();
        }),
      );
    });
  });

  test("[AC25] [AC28] can still link to the dashboard, and a page of this machine may read and change", async ({
    cluster,
  }) => {
    const home = new URL(
      pages.server.put("/link.html", `<!doctype html><a href="${cluster.url}/operations">Tapedeck</a>`),
    );
    home.hostname = attacker;
    const { page } = await pages.visit(home.href);
    await page.getByRole("link", { name: "Tapedeck" }).click();
    await page.getByRole("heading", { name: "Operations" }).waitFor();
    await page.context().close();

    const { session_id: id } = await cluster.http.create({ tape: "usdm" });
    const ours = await pages.show("/ours.html", "<!doctype html><body></body>");
    const statuses = await ours.page.evaluate(async (address) => {
      const looked = await fetch(address);
      const changed = await fetch(address.replace("sessions/", "replay/speed/2/"), { method: "POST" });
      return [looked.status, changed.status];
    }, `${cluster.url}/sessions/${id}`);
    expect(statuses).toEqual([200, 200]);
    expect((await cluster.http.session(id)).speed).toBe(2);
  });
});
