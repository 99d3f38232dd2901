// look.mjs PORT MODULES FOLDER: looks at the pages of a running feedbridge in Debian's Chromium, as people do:
// light and dark, wide and narrow, by keyboard. Screenshots go to FOLDER. Media of posts are stood in for.
import { createRequire } from "node:module";
import { strict as assert } from "node:assert";
import { createHash } from "node:crypto";

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

const day = new Date().toISOString().slice(0, 10);
const pages = ["/", `/?q=kettle`, "/kettle/", `/kettle/${day}`, "/kettle/?kind=photo", "/kettle/?q=boils", "/kettle/28", "/kettle/tags", "/kumkum/", "/status/"];
for (const colorScheme of ["light", "dark"]) {
  for (const [size, viewport] of [["desktop", { width: 1280, height: 900 }], ["phone", { width: 360, height: 740 }]]) {
    const page = await open({ colorScheme, viewport });
    for (const path of pages) {
      const response = await page.goto(base + path);
      assert.equal(response.status(), 200, path);
      const scripts = await page.locator("script").allTextContents();
      const hashes = scripts.map((script) => createHash("sha256").update(script).digest("base64"));
      const policy = response.headers()["content-security-policy"];
      assert.match(policy, /default-src 'none'/);
      assert.equal(hashes.length, 1, `${path} has ${hashes.length} scripts`);
      assert.ok(policy.includes(`script-src 'sha256-${hashes[0]}'`), `${path}: ${policy}`);
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

for (const [javaScriptEnabled, zone] of [[true, "Asia/Tokyo"], [false, "UTC"]]) {
  const page = await open({ bypassCSP: false, javaScriptEnabled, timezoneId: "Asia/Tokyo" });
  await page.goto(`${base}/kettle/30`);
  const time = page.locator("time").first();
  const at = new Date(await time.getAttribute("datetime"));
  const hours = new Intl.DateTimeFormat("en", { timeZone: zone, hour: "2-digit", hourCycle: javaScriptEnabled ? "h12" : "h23" }).format(at);
  const shown = await time.textContent();
  assert.ok(shown.includes(javaScriptEnabled ? `${parseInt(hours)}:` : `, ${hours}:`), `${shown} is not of ${zone}`);
  await page.context().close();
}

const dead = await open({ bypassCSP: false });
await dead.route("**/avatar.jpg", (route) => route.abort());
await dead.goto(`${base}/kettle/`);
const avatar = dead.locator(".avatar");
assert.equal((await avatar.textContent()).trim(), "KC");
await avatar.screenshot({ path: `${folder}/dead-picture.png` });
problems.splice(0, problems.length, ...problems.filter((problem) => !problem.includes("ERR_FAILED")));
await dead.context().close();

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

// As somebody new does it: open the page, name a channel, subscribe.
for (const javaScriptEnabled of [true, false]) {
  const visitor = await open({ bypassCSP: false, javaScriptEnabled });
  for (const words of ["teapot", "@teapot", "https://t.me/s/teapot?before=5", "https://rsshub.app/telegram/channel/teapot"]) {
    await visitor.goto(base);
    await visitor.fill("#channel", words);
    await visitor.press("#channel", "Enter");
    await visitor.waitForURL(`${base}/teapot/`);
    assert.ok(await visitor.locator("article").count() > 0, `${words} leads to no post`);
  }
  assert.equal(await visitor.locator(".address code").textContent(), `${base}/teapot/atom.xml`);
  assert.equal(await visitor.locator(".readers a").first().getAttribute("href"), `feed:${base}/teapot/atom.xml`);
  await visitor.screenshot({ path: `${folder}/new-channel.png` });
  await visitor.goto(base);
  assert.ok((await visitor.locator("h2").allTextContents()).some((title) => title.includes("teapot")), "it is not listed");
  await visitor.fill("#channel", "no_such_channel");
  await visitor.press("#channel", "Enter");
  await visitor.waitForURL(`${base}/no_such_channel/`);
  assert.match(await visitor.locator("main").textContent(), /not found on Telegram/);
  problems.splice(0, problems.length, ...problems.filter((problem) => !problem.includes("404 (Not Found)")));
  await visitor.context().close();
}

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
