import { expect } from "vitest";
import { test } from "./dashboard.js";

test("[OB15] the queues page loads completely, and all its requests stay on its origin", async ({
  cluster,
  dashboards,
}) => {
  const { page, errors } = await dashboards.open("about:blank");
  const requested: string[] = [];
  page.on("request", (request) => requested.push(request.url()));
  await page.goto(`${cluster.url}/admin/queues`);
  await page.getByText("{ticker-0}").first().click();
  await page
    .getByText(/No latest jobs|^#/)
    .first()
    .waitFor();
  expect(requested.length).toBeGreaterThan(5);
  expect(requested.filter((url) => new URL(url).origin !== cluster.url)).toEqual([]);
  expect(errors).toEqual([]);

  // The browser would block other requests by scripts and styles.
  const refused = await page.evaluate(
    () =>
      new Promise<string[]>((resolve) => {
        const directives: string[] = [];
        document.addEventListener("securitypolicyviolation", ({ effectiveDirective }) => {
          if (directives.push(effectiveDirective) === 2) resolve(directives);
        });
        const elsewhere = "http://fonts.test/font.woff2";
        fetch(elsewhere).catch(() => {});
        document.fonts.add(new FontFace("elsewhere", `url(${elsewhere})`));
        document.fonts.load("1em elsewhere").catch(() => {});
      }),
  );
  expect(refused.sort()).toEqual(["connect-src", "font-src"]);
});
