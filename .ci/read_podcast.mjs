// Reads a podcast from standard input with podcast-partytime and prints what it found as JSON.
// NODE_LIBRARIES is the folder with node_modules.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

process.env.PARTYTIME_LOG = "silent";
const { parseFeed } = createRequire(`${process.env.NODE_LIBRARIES}/`)("podcast-partytime");
console.log(JSON.stringify(parseFeed(readFileSync(0, "utf8"))));
