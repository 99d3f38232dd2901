// look.mjs PORT MODULES FOLDER: looks at the pages of a running feedbridge in Debian's Chromium, as people do:
// light and dark, wide and narrow, by keyboard. Screenshots go to FOLDER. Media of posts are stood in for.
import { createRequire } from "node:module";
import { strict as assert } from "node:assert";

const [port, modules, folder] = process.argv.slice(2);
const base = `http://127.0.0.1:${port}`;
const require = createRequire(`${modules}/`);
const { chromium } = require("playwright-core");
const axe = require.resolve("axe-core/axe.min.js");
const pixel = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  "base64",
);
const browser = await chromium.launch({
  executablePath: "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync"],
});
const problems = [];
let looks = 0;

async function open(options) {
  // axe runs as a script of the page, which the policy forbids; that the policy is there is checked by itself.
  const context = await browser.newContext({ bypassCSP: true, ...options });
  await context.route("**", (route) => {
    const url = new URL(route.request().url());
    if (url.origin === base) return route.continue();
    if (!["image", "media"].includes(route.request().resourceType()) || url.host !== "cdn.example") {
      problems.push(`a request to ${url}`);
    }
    if (route.request().resourceType() === "image") return route.fulfill({ contentType: "image/png", body: pixel });
    return route.fulfill({ status: 204 });
  });
  const page = await context.newPage();
  page.on("console", (message) => {
    if (message.type() === "error") problems.push(`${page.url()}: ${message.text()}`);
  });
  page.on("pageerror", (error) => problems.push(`${page.url()}: ${error}`));
  return page;
}

const pages = ["/", "/kettle/", "/kettle/?kind=photo", "/kettle/?q=boils", "/kettle/28", "/kettle/tags", "/kumkum/", "/status/"];
for (const colorScheme of ["light", "dark"]) {
  for (const [size, viewport] of [["desktop", { width: 1200, height: 900 }], ["phone", { width: 360, height: 740 }]]) {
    const page = await open({ colorScheme, viewport });
    for (const path of pages) {
      const response = await page.goto(base + path);
      assert.equal(response.status(), 200, path);
      assert.match(response.headers()["content-security-policy"], /default-src 'none'/);
      assert.equal(await page.locator("script").count(), 0);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      assert.ok(wide <= 0, `${path} scrolls sideways by ${wide} at ${viewport.width}`);
      await page.addScriptTag({ path: axe });
      const found = await page.evaluate(() =>
        axe.run({ runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }));
      for (const { id, nodes } of found.violations) problems.push(`${path} ${colorScheme} ${size}: ${id}: ${nodes[0].html}`);
      looks += 1;
      await page.screenshot({ path: `${folder}/${path.replace(/\W+/g, "_")}-${colorScheme}-${size}.png` });
    }
    await page.context().close();
  }
}

const ground = async (colorScheme) => {
  const page = await open({ colorScheme });
  await page.goto(base);
  return page.evaluate(() => getComputedStyle(document.body).backgroundColor);
};
assert.notEqual(await ground("light"), await ground("dark"), "the dark scheme has the ground of the light one");

const page = await open({});
await page.goto(`${base}/kettle/`);
const reached = [];
for (let press = 0; press < 20; press += 1) {
  await page.keyboard.press("Tab");
  reached.push(await page.evaluate(() => {
    const { tagName, className, id } = document.activeElement;
    const outlined = getComputedStyle(document.activeElement).outlineStyle !== "none";
    return outlined ? `${tagName}.${className}#${id}` : "nothing to see";
  }));
}
assert.equal(reached[0], "A.skip#", reached.join(" "));
assert.ok(reached.includes("INPUT.#q") && reached.includes("BUTTON.#") && reached.includes("A.button#"), reached.join(" "));
assert.ok(!reached.includes("nothing to see"), reached.join(" "));

await page.goto(`${base}/kettle/`);
await page.fill("#q", "boils");
await page.press("#q", "Enter");
assert.equal(page.url(), `${base}/kettle/?q=boils`);
assert.equal(await page.locator("article").count(), 10);
await page.goto(`${base}/kettle/`);
assert.equal(await page.locator("article").count(), 20);
await page.click("a[rel=next]");
assert.equal(await page.locator("article").count(), 10);
await page.click("a[rel=prev]");
assert.equal(page.url(), `${base}/kettle/`);

await page.goto(`${base}/kumkum/`);
const side = await page.evaluate(() => {
  const block = document.querySelector("article .body p") ?? document.querySelector("article .body");
  const range = document.createRange();
  range.selectNodeContents(block);
  const [text, box] = [range.getClientRects()[0], block.getBoundingClientRect()];
  return box.right - text.right < text.left - box.left;
});
assert.ok(side, "text written from right to left does not begin at the right");

await browser.close();
assert.deepEqual(problems, []);
console.log(`${looks} looks at ${pages.length} pages, none with a violation`);
