// Reads a feed from standard input with the library named as argument and prints its entries, texts by id, as JSON.
// NODE_LIBRARIES is the folder with node_modules.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const require = createRequire(`${process.env.NODE_LIBRARIES}/`);
const text = readFileSync(0, "utf8");

async function rssParser() {
  const Parser = require("rss-parser");
  const { items } = await new Parser().parseString(text);
  return items.map((item) => [item.guid ?? item.id, item["content:encoded"] ?? item.content]);
}

async function feedsmith() {
  const { parseFeed } = await import(pathToFileURL(require.resolve("feedsmith")).href);
  const { format, feed } = parseFeed(text);
  if (format === "rss") return feed.items.map((item) => [item.guid.value, item.content?.encoded ?? item.description]);
  if (format === "atom") return feed.entries.map((entry) => [entry.id, entry.content?.value ?? entry.content]);
  return feed.items.map((item) => [item.id, item.content_html]);
}

const readers = { "rss-parser": rssParser, feedsmith };
console.log(JSON.stringify(Object.fromEntries(await readers[process.argv[2]]())));
