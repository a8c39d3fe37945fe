import { expect } from "vitest";
import { test } from "./dashboard.js";

test("[OB15] the queues' page is whole, and no request of it leaves its origin", async ({ cluster, dashboards }) => {
  const { page, errors } = await dashboards.open("about:blank");
  const asked: string[] = [];
  page.on("request", (request) => asked.push(request.url()));
  await page.goto(`${cluster.url}/admin/queues`);
  await page.getByText("{ticker-0}").first().click();
  await page
    .getByText(/No latest jobs|#\d/)
    .first()
    .waitFor();
  expect(asked.length).toBeGreaterThan(5);
  expect(asked.filter((url) => new URL(url).origin !== cluster.url)).toEqual([]);
  expect(errors).toEqual([]);

  // What a script or a style tried nevertheless, the browser would refuse.
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
