// play.mjs PAGE MODULES: opens the page of a channel in Debian's Chromium and plays what is on it, with nothing but the
// feedbridge there. Prints what is not so; ends with 1 if anything is.
import { createRequire } from "node:module";

const [address, modules] = process.argv.slice(2);
const origin = new URL(address).origin;
const { chromium } = createRequire(`${modules}/`)("playwright-core");
const browser = await chromium.launch({
  executablePath: "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--mute-audio"],
});
let passed = 0;
const faults = [];
const that = (holds, what) => (holds ? passed++ : faults.push(what));

async function open(options) {
  const page = await (await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options })).newPage();
  const seen = { parts: [], page };
  page.on("request", (request) => that(request.url().startsWith(origin) || request.url().startsWith("data:"), `a request to ${request.url()}`));
  // A player breaks a request off when it seeks.
  page.on("requestfailed", (request) => that(/ERR_ABORTED/.test(request.failure().errorText), `${request.url()}: ${request.failure().errorText}`));
  page.on("console", (message) => that(message.type() !== "error", `the console says ${message.text()}`));
  page.on("response", (response) => {
    that(response.status() < 400, `${response.url()} is answered with ${response.status()}`);
    if (response.status() === 206) seen.parts.push(`${response.url()} ${response.headers()["content-range"]}`);
  });
  await page.goto(address);
  return seen;
}

// What a player does: begins, and goes on; jumps near the end, and goes on from there.
const play = (player) => player.evaluate(async (media) => {
  const until = (name, holds) => new Promise((resolve, reject) => {
    setTimeout(() => reject(new Error(`${name} in vain: ${media.error?.message ?? media.currentTime}`)), 15000);
    const look = () => (holds() ? resolve() : requestAnimationFrame(look));
    look();
  });
  media.muted = true;
  await media.play();
  await until("waited for it to play", () => media.currentTime > 0.2);
  const before = media.currentTime, duration = media.duration;
  media.currentTime = duration - 3;
  await until("waited for it to seek", () => !media.seeking && media.currentTime > duration - 2.9);
  const drawn = media.videoWidth && (() => {
    const canvas = Object.assign(document.createElement("canvas"), { width: 32, height: 32 });
    const context = canvas.getContext("2d");
    context.drawImage(media, 0, 0, 32, 32);
    return new Set(context.getImageData(0, 0, 32, 32).data).size;
  })();
  media.pause();
  return { before, duration, width: media.videoWidth, drawn };
});

// What people do: they see the player, and begin it by its own button.
async function press(page, player, who) {
  const until = async (holds) => {
    for (const end = Date.now() + 15000; Date.now() < end; await page.waitForTimeout(50)) if (await player.evaluate(holds)) return true;
    return false;
  };
  await player.scrollIntoViewIfNeeded();
  const box = await player.boundingBox();
  that(box?.width > 100 && box?.height > 30, `${who} is not seen: ${JSON.stringify(box)}`);
  await player.focus();
  if (await player.evaluate((media) => media.paused)) await page.keyboard.press("Space");
  that(await until((media) => !media.paused && media.currentTime > 0.3), `${who} does not play`);
  await player.evaluate((media) => media.pause());
}

// The pictures of the album are there, side by side.
async function album(page, who) {
  const boxes = [];
  for (const picture of await page.locator("article:has(figure + figure) figure > img").all()) {
    await picture.scrollIntoViewIfNeeded();
    const width = await picture.evaluate(async (image) => (await image.decode(), image.naturalWidth));
    that(width > 0, `${who}: a picture is not there`);
  }
  // Once all are there, none moves any more.
  for (const picture of await page.locator("article:has(figure + figure) figure > img").all()) boxes.push(await picture.boundingBox());
  const sideBySide = boxes.filter((one) => boxes.some((other) => other !== one && other.y === one.y && other.x >= one.x + one.width));
  that(boxes.length === 4 && sideBySide.length >= 2, `${who}: the album: ${JSON.stringify(boxes)}`);
}

const { page, parts } = await open({});
const films = page.locator("article video:not([autoplay])");
that((await films.count()) === 1, `${await films.count()} films`);
const film = await play(films.first());
that(film.duration > 60 && film.width > 0 && film.drawn > 8, `the film: ${JSON.stringify(film)}`);
const ranges = parts.map((part) => / bytes (\d+)-\d+\/(\d+)$/.exec(part) ?? []);
that(ranges.some(([, from, length]) => length > 3e6 && from > length / 2), `no part of the film's second half was asked for: ${parts}`);
const voice = await play(page.locator("article audio").first());
that(voice.duration > 10, `the voice: ${JSON.stringify(voice)}`);
const loop = page.locator("article video[autoplay]");
that(await loop.evaluate((media) => media.loop && media.muted), "a silent film goes round");

for (const [who, options] of [["wide", {}], ["narrow", { viewport: { width: 360, height: 740 } }], ["without script", { javaScriptEnabled: false }]]) {
  const { page } = await open(options);
  for (const kind of ["video:not([autoplay])", "audio", "video[autoplay]"]) {
    await press(page, page.locator(`article ${kind}`).first(), `${who}: ${kind}`);
  }
  await album(page, who);
  const face = await page.locator(".avatar img").evaluateAll((images) => images.map((image) => image.naturalWidth));
  that(face.length === 1 && face[0] > 0, `${who}: the channel's picture: ${face}`);
}

const bare = await open({ javaScriptEnabled: false });
for (const kind of ["video:not([autoplay])", "audio"]) {
  const player = bare.page.locator(`article ${kind}`).first();
  that((await player.getAttribute("controls")) !== null, `${kind} has no controls without script`);
}
that((await bare.page.locator("article video").first().getAttribute("playsinline")) !== null, "films play in their place");
await browser.close();
faults.forEach((fault) => console.log("not so:", fault));
console.log(`${passed} checks passed, ${faults.length} failed`);
process.exit(faults.length ? 1 : 0);
