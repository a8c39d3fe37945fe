import { expect, test } from "vitest";
import { accountNames, aclFile } from "./redis-accounts.js";

const file = new URL("../../../../k8s/components/redis-accounts/users.acl", import.meta.url);

test("[DP54] the file of Redis's users is the one that the rules make, and holds no password", async () => {
  const made = aclFile("tapedeck");
  // After a change of the rules: npx vitest run packages/sessions/src/redis/redis-accounts.test.ts --update
  await expect(made).toMatchFileSnapshot(file.pathname);
  expect(made).not.toMatch(/nopass|[>#]/);
  expect([...made.matchAll(/^user (\S+) (?:on|off) /gm)].map(([, name]) => name)).toEqual(["default", ...accountNames]);
});

test("[DP54] every rule is bound to keys or channels of the cluster's own prefix", () => {
  for (const [, rule = ""] of aclFile("mine").matchAll(/\(([^)]*)\)/g)) {
    const patterns = rule.split(" ").filter((word) => !/^[+-]/.test(word));
    expect(patterns.length).toBeGreaterThan(0);
    for (const pattern of patterns) expect(pattern).toMatch(/^(~|%R~|%W~|&)mine:/);
  }
});
