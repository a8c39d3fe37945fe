import { describe, expect, test } from "vitest";
import { z } from "zod";
import { readConfig } from "../node/config.js";
import { commonEnv } from "../node/settings.js";
import { clientAddress, trustedProxies } from "./client-address.js";

const ours = trustedProxies("127.0.0.1, ::1, 10.0.0.0/8, 2001:db8:a::/48");

test("[R4] without a trusted proxy the header is ignored", () => {
  expect(clientAddress("203.0.113.7", "198.51.100.1", ours)).toBe("203.0.113.7");
  expect(clientAddress("127.0.0.1", "198.51.100.1", trustedProxies(""))).toBe("127.0.0.1");
});

test("[R4] behind trusted proxies the client is the last address that is not one of them", () => {
  expect(clientAddress("127.0.0.1", "198.51.100.1", ours)).toBe("198.51.100.1");
  expect(clientAddress("10.1.2.3", "6.6.6.6, 198.51.100.1, 10.9.9.9", ours)).toBe("198.51.100.1");
  expect(clientAddress("::1", "2001:db8::5", ours)).toBe("2001:db8::5");
  expect(clientAddress("127.0.0.1", undefined, ours)).toBe("127.0.0.1");
});

test("[R4] an entry that is not an address ends the search", () => {
  expect(clientAddress("127.0.0.1", "", ours)).toBe("127.0.0.1");
  for (const broken of ["unknown", "_hidden", "198.51.100.256", "[2001:db8::9", "1.2.3.4:", "1.2.3.4:x", "::g", ","]) {
    expect(clientAddress("127.0.0.1", `198.51.100.1, ${broken}`, ours), broken).toBe("127.0.0.1");
    expect(clientAddress("127.0.0.1", `${broken}, 198.51.100.1`, ours), broken).toBe("198.51.100.1");
  }
});

test("[R4] a list with an invalid entry is refused", () => {
  expect(() => trustedProxies("127.0.0.1, nonsense")).toThrow(/nonsense/);
});

test("[R33] an entry that is not an address, or that covers every address, is an environment problem", () => {
  const env = z.object(commonEnv);
  for (const list of ["nonsense", "10.0.0.0/33", "10.0.0.1:80", "0.0.0.0/0", "10.0.0.0/8, ::/0"]) {
    expect(() => readConfig("api", env, { TRUSTED_PROXIES: list }), list).toThrow(
      "is not a list of addresses and ranges such as 192.0.2.7,10.4.0.0/16",
    );
  }
  for (const list of ["", "loopback, uniquelocal", "192.0.2.7,10.4.0.0/16, 2001:db8::/32"]) {
    expect(readConfig("api", env, { TRUSTED_PROXIES: list }).TRUSTED_PROXIES).toBe(list);
  }
});

test("[R31] one client has one address, however a proxy or socket spells it", () => {
  expect(clientAddress("::ffff:127.0.0.1", "::ffff:198.51.100.1", ours)).toBe("198.51.100.1");
  const spellings = [
    ["198.51.100.1", "::ffff:198.51.100.1", "::FFFF:c633:6401", "0:0:0:0:0:ffff:198.51.100.1"],
    ["198.51.100.1", "198.51.100.1:4711", "[::ffff:198.51.100.1]:4711"],
    ["2001:db8::5", "2001:0db8:0000:0000:0000:0000:0000:0005", "2001:DB8:0::5", "[2001:db8::5]", "[2001:db8::5]:443"],
    ["fe80::1", "fe80::1%eth0"],
  ];
  for (const [plain, ...others] of spellings) {
    for (const spelling of others) {
      expect(clientAddress("10.0.0.1", spelling, ours), spelling).toBe(plain);
      expect(clientAddress(spelling, undefined, ours), spelling).toBe(plain);
    }
  }
  // A proxy is recognised by any spelling, too.
  for (const proxy of ["[2001:db8:a::7]:8080", "2001:0db8:000a:0000::7", "10.9.9.9:1234", "::ffff:a09:909"]) {
    expect(clientAddress("10.0.0.1", `6.6.6.6, 198.51.100.1, ${proxy}`, ours), proxy).toBe("198.51.100.1");
  }
});

describe("a client that writes the header itself", () => {
  /** A proxy of ours appends the address that it sees, as proxies do. */
  const through = (forged: string, client: string) => clientAddress("10.0.0.1", `${forged}, ${client}`, ours);

  test("[R4] is identified by its own address, whatever it writes", () => {
    const forgeries = ["6.6.6.6", "127.0.0.1", "10.9.9.9", "::1", "", ",,,", "unknown", "198.51.100.1, 10.9.9.9"];
    forgeries.push("6.6.6.6,".repeat(3_000), '"]; drop', "\u0000", "[::1]:80", "203.0.113.7", "::ffff:10.9.9.9");
    for (const forged of forgeries) expect(through(forged, "203.0.113.7"), forged).toBe("203.0.113.7");
  });
});
