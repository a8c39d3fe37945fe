import { expect, test } from "vitest";
import { clientAddress, proxyTrust } from "./addresses.js";

const ours = proxyTrust("127.0.0.1, ::1, 10.0.0.0/8");

test("[R4] without a trusted proxy the header counts for nothing", () => {
  expect(clientAddress("203.0.113.7", "198.51.100.1", ours)).toBe("203.0.113.7");
  expect(clientAddress("127.0.0.1", "198.51.100.1", proxyTrust(""))).toBe("127.0.0.1");
});

test("[R4] behind trusted proxies the client is the last address that is not one of them", () => {
  expect(clientAddress("127.0.0.1", "198.51.100.1", ours)).toBe("198.51.100.1");
  expect(clientAddress("10.1.2.3", "6.6.6.6, 198.51.100.1, 10.9.9.9", ours)).toBe("198.51.100.1");
  expect(clientAddress("::1", "2001:db8::5", ours)).toBe("2001:db8::5");
  expect(clientAddress("127.0.0.1", undefined, ours)).toBe("127.0.0.1");
});

test("[R4] an IPv4 address on a dual-stack socket is the same address", () => {
  expect(clientAddress("::ffff:127.0.0.1", "::ffff:198.51.100.1", ours)).toBe("198.51.100.1");
});

test("[R4] what is no address ends the walk", () => {
  expect(clientAddress("127.0.0.1", "198.51.100.1, unknown", ours)).toBe("127.0.0.1");
  expect(clientAddress("127.0.0.1", "", ours)).toBe("127.0.0.1");
});

test("[R4] a list with a broken entry is refused", () => {
  expect(() => proxyTrust("127.0.0.1, nonsense")).toThrow(/nonsense/);
});
