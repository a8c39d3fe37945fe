import { describe, expect, test } from "vitest";
import { commonEnv } from "../node/settings.js";
import { type GuardedHeader, RequestGuard } from "./request-guard.js";

type Asked = Partial<Record<GuardedHeader, string>> & { readonly method?: string; readonly path?: string };

function guardOf({ HOST = "127.0.0.1", hosts = "", origins = "" } = {}): RequestGuard {
  return new RequestGuard({
    HOST,
    ALLOWED_HOSTS: hosts === "" ? [] : commonEnv.ALLOWED_HOSTS.parse(hosts),
    ALLOWED_ORIGINS: origins === "" ? [] : commonEnv.ALLOWED_ORIGINS.parse(origins),
  });
}

function ask(guard: RequestGuard, { method = "GET", path = "/sessions", ...headers }: Asked) {
  return guard.refusal({ method, path, header: (name) => headers[name] });
}

const local = guardOf();
const host = "localhost:8000";

describe("host names", () => {
  test.each([
    "localhost",
    "localhost:8000",
    "LOCALHOST.",
    "deck.localhost:1",
    "127.0.0.1",
    "127.9.9.9:80",
    "[::1]:8000",
  ])("[AC23] a process on the loopback address answers to %s", (name) => {
    expect(ask(local, { host: name })).toBeUndefined();
  });

  test.each([
    "attacker.test:8000",
    "localhost.attacker.test",
    "notlocalhost",
    "127.0.0.1.attacker.test",
    "192.168.1.7:8000",
    "0.0.0.0:8000",
    "localhost@attacker.test",
    "",
  ])("[AC23] and not to %j, which is 421 and names header and rule", (name) => {
    expect(ask(local, { host: name })).toMatchObject({
      refused: "HOST_NOT_ALLOWED",
      status: 421,
      message: expect.stringMatching(/^Host ".*" is not allowed\. Allowed: loopback names .* ALLOWED_HOSTS /),
    });
  });

  test("[AC23] a client other than a browser may omit Host, as HTTP/1.0 does", () => {
    expect(ask(local, {})).toBeUndefined();
  });

  test("[AC24] ALLOWED_HOSTS adds exact names, or with *. all names below one; ports are ignored", () => {
    for (const HOST of ["127.0.0.1", "0.0.0.0"]) {
      const guard = guardOf({ HOST, hosts: "deck.example.com, *.example.org" });
      for (const name of ["deck.example.com", "DECK.example.com:8443", "a.b.example.org", "localhost:8000"]) {
        expect(ask(guard, { host: name }), name).toBeUndefined();
      }
      for (const name of ["example.org", "evilexample.org", "x.deck.example.com", "deck.example.com.evil.test"]) {
        expect(ask(guard, { host: name })?.status, name).toBe(421);
      }
    }
  });

  test("[AC24] on a public address any name is accepted until ALLOWED_HOSTS is set", () => {
    expect(ask(guardOf({ HOST: "0.0.0.0" }), { host: "attacker.test" })).toBeUndefined();
    expect(ask(guardOf({ HOST: "0.0.0.0", hosts: "loopback" }), { host: "attacker.test" })?.status).toBe(421);
    expect(ask(guardOf({ HOST: "127.0.0.1", hosts: "*" }), { host: "deck.example.com" })).toBeUndefined();
  });

  test("[AC24] a pod's address is accepted for health and metrics only", () => {
    const guard = guardOf({ HOST: "0.0.0.0", hosts: "deck.example.com" });
    for (const address of ["10.1.2.3:8001", "[fd00::7]:8001"]) {
      for (const path of ["/health", "/health/live", "/health/ready", "/metrics"]) {
        expect(ask(guard, { host: address, path }), path).toBeUndefined();
        expect(ask(guard, { host: "attacker.test", path })?.status, path).toBe(421);
      }
      for (const path of ["/sessions", "/metrics/dashboard", "/"]) {
        expect(ask(guard, { host: address, path })?.status, path).toBe(421);
      }
    }
  });

  test.each(["https://deck.example.com", "deck.example.com:8000", "a b", "*.", "a.*.b", "deck.example.com/x"])(
    "[AC24] ALLOWED_HOSTS=%s is refused at the start",
    (hosts) => {
      expect(commonEnv.ALLOWED_HOSTS.safeParse(hosts).error?.issues[0]?.message).toMatch(/is not a list of host names/);
    },
  );
});

describe("pages", () => {
  test.each(["http://localhost:3000", "http://127.0.0.1:5173", "https://deck.localhost", "http://[::1]:8000"])(
    "[AC25] on the loopback address a page of %s may ask",
    (origin) => {
      expect(ask(local, { host, origin, method: "POST", "sec-fetch-site": "cross-site" })).toBeUndefined();
    },
  );

  test.each([
    "https://attacker.test",
    "http://localhost.attacker.test",
    "null",
    "file://",
    "http://192.168.1.7:3000",
    "",
  ])("[AC25] and one of %j may not, which is 403 and names header and rule", (origin) => {
    for (const method of ["GET", "POST", "DELETE", "OPTIONS"]) {
      expect(ask(local, { host, origin, method })).toMatchObject({
        refused: "ORIGIN_NOT_ALLOWED",
        status: 403,
        message: expect.stringMatching(/^Origin ".*" is not allowed\. Allowed: .*loopback.* ALLOWED_ORIGINS /),
      });
    }
  });

  test("[AC25] a page that sends no Origin, as for an image, is recognised by Sec-Fetch-Site", () => {
    const image = { host, "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image" };
    expect(ask(local, { ...image, path: "/metrics" })).toMatchObject({
      status: 403,
      message: expect.stringMatching(/^Sec-Fetch-Site cross-site: /),
    });
    for (const site of ["same-origin", "same-site", "none"]) {
      expect(ask(local, { ...image, "sec-fetch-site": site })).toBeUndefined();
    }
  });

  test("[AC25] a link on another site opens the dashboard, and a frame on another site does not", () => {
    const link = { host, "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", path: "/" };
    expect(ask(local, { ...link, "sec-fetch-dest": "document" })).toBeUndefined();
    expect(ask(local, { ...link, "sec-fetch-dest": "iframe" })?.status).toBe(403);
  });

  test("[AC26] an HTML form changes nothing, wherever the process listens and whatever the page", () => {
    const form = { method: "POST", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document" };
    for (const guard of [local, guardOf({ HOST: "0.0.0.0" }), guardOf({ HOST: "0.0.0.0", origins: "http://a.test" })]) {
      for (const origin of ["http://a.test", "http://localhost:8000", undefined]) {
        expect(ask(guard, { ...form, host, ...(origin !== undefined && { origin }) })).toMatchObject({
          status: 403,
          message: expect.stringMatching(/^Sec-Fetch-Mode navigate: /),
        });
      }
    }
  });

  test("[AC26] on a public address, a page of another site that hides its origin may read but not change anything", () => {
    const hidden = { host: "deck.example.com", "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors" };
    expect(ask(guardOf({ HOST: "0.0.0.0" }), { ...hidden, method: "POST" })?.status).toBe(403);
    expect(ask(guardOf({ HOST: "0.0.0.0" }), hidden)).toBeUndefined();
  });

  test("[AC27] listed origins and pages of the requested host are allowed, whatever the scheme and its default port", () => {
    const guard = guardOf({ HOST: "0.0.0.0", origins: "https://ours.example" });
    expect(ask(guard, { host: "deck.example.com", origin: "https://ours.example" })).toBeUndefined();
    expect(ask(guard, { host: "deck.example.com", origin: "https://deck.example.com" })).toBeUndefined();
    expect(ask(guard, { host: "deck.example.com:443", origin: "https://deck.example.com" })).toBeUndefined();
    expect(ask(guard, { host: "deck.example.com:8000", origin: "http://deck.example.com:8000" })).toBeUndefined();
    for (const origin of ["https://deck.example.com:8443", "https://theirs.example", "http://localhost:3000", "null"]) {
      expect(ask(guard, { host: "deck.example.com", origin })?.status, origin).toBe(403);
    }
  });

  test("[AC27] loopback in ALLOWED_ORIGINS allows pages of this machine", () => {
    const guard = guardOf({ HOST: "0.0.0.0", origins: "loopback, https://ours.example" });
    expect(ask(guard, { host, origin: "http://localhost:3000" })).toBeUndefined();
    expect(ask(guard, { host, origin: "https://ours.example" })).toBeUndefined();
    expect(ask(guard, { host, origin: "https://theirs.example" })?.status).toBe(403);
  });
});

describe("cookies", () => {
  const guard = guardOf({ HOST: "0.0.0.0", origins: "https://ours.example" });
  const trusts = (headers: Asked) => guard.trustsCookie({ header: (name) => headers[name] });
  const own = "deck.example.com";

  test.each([
    [{}, true],
    [{ origin: "https://deck.example.com" }, true],
    [{ origin: "https://ours.example", "sec-fetch-site": "cross-site" }, true],
    [{ origin: "https://theirs.example" }, false],
    [{ "sec-fetch-site": "same-origin" }, true],
    [{ "sec-fetch-site": "cross-site" }, false],
    [{ "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document" }, false],
    [{ origin: "https://deck.example.com", "sec-fetch-site": "cross-site" }, false],
  ] satisfies [Asked, boolean][])("[AC14] of a request with %j a cookie counts: %s", (headers, counts) => {
    expect(trusts({ host: own, ...headers })).toBe(counts);
  });
});
