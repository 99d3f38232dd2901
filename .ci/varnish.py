#!/usr/bin/env python3
"""Varnish in front of the daemon: each client gets the coding it asked for, and what has aged is revalidated by a 304."""
import contextlib
import gzip
import socket
import subprocess
import urllib.error
import urllib.request

import brotli
import zstandard

from rig import Checks, Daemon, Workspace, free_port, wait_for
from upstream import Upstream

NAME = "kettle"
FILES = {"rss": "rss.xml", "atom": "atom.xml", "json": "feed.json"}
DECODE = {
    "identity": bytes,
    "gzip": gzip.decompress,
    "br": brotli.decompress,
    "zstd": lambda body: zstandard.ZstdDecompressor().decompressobj().decompress(body),
}
VCL = """vcl 4.1;
backend default {{ .host = "127.0.0.1"; .port = "{port}"; }}
sub vcl_backend_response {{ set beresp.ttl = {ttl}; set beresp.grace = 0s; set beresp.keep = 1h; }}
sub vcl_deliver {{ set resp.http.X-Hits = obj.hits; }}
"""


@contextlib.contextmanager
def varnish(directory, name, daemon, ttl, gzip_support):
    port, vcl = free_port(), directory / f"{name}.vcl"
    vcl.write_text(VCL.format(port=daemon.url.rsplit(":", 1)[1], ttl=ttl))
    command = ["varnishd", "-F", "-j", "none", "-n", directory / name, "-a", f"127.0.0.1:{port}", "-T", "none"]
    command += ["-f", vcl, "-s", "malloc,16m", "-p", f"http_gzip_support={gzip_support}"]
    with open(directory / f"{name}.log", "wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        wait_for("varnish answers", lambda: process.poll() is None and is_open(port))
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)


def is_open(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def get(url, **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=named), timeout=10) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def codings(checks, daemon, front, offered):
    """Twice over, so that every coding is asked for while the others are in the cache."""
    for kind, file in FILES.items():
        plain = daemon.get(f"/{NAME}/{file}")[2]
        for turn in (1, 2):
            for coding in DECODE:
                status, headers, body = get(f"{front}/{NAME}/{file}", Accept_Encoding=coding)
                who = f"{kind} in {coding}, turn {turn}"
                given = headers.get("Content-Encoding", "identity")
                checks.equal((status, given), (200, coding if coding in offered else "identity"), who)
                checks.that(DECODE[given](body) == plain, f"{who}: not the same document")
                if turn == 2:
                    checks.that(int(headers["X-Hits"]) > 0, f"{who}: not from the cache")
                    again = get(f"{front}/{NAME}/{file}", Accept_Encoding=coding, If_None_Match=headers["ETag"])[0]
                    checks.equal(again, 304, f"{who}: with its own ETag")


def revalidation(checks, daemon, front, upstream):
    url = f"{front}/{NAME}/atom.xml"
    first, before = get(url)[2], daemon.answered("atom", 304)
    wait_for("an aged document is revalidated", lambda: get(url)[0] == 200 and daemon.answered("atom", 304) > before)
    checks.that(get(url)[2] == first, "revalidated, it is the same document")
    upstream.post(NAME, "Quite a new one")
    wait_for("a new post comes through", lambda: b"Quite a new one" in get(url)[2])


def main(directory):
    checks, upstream = Checks(), Upstream([NAME])
    for number in range(1, 6):
        upstream.post(NAME, f"Post number {number}, said at some length so that it is worth a coding. " * 9)
    with Daemon(directory, [upstream.url], [NAME]) as daemon:
        wait_for("the first page is stored", lambda: len(daemon.items(NAME)) == 5)
        # Varnish's own gzip support asks the daemon for gzip alone, and unpacks it for those who cannot.
        with varnish(directory, "own", daemon, "1h", "on") as front:
            codings(checks, daemon, front, ("gzip",))
        with varnish(directory, "passed", daemon, "1h", "off") as front:
            codings(checks, daemon, front, ("gzip", "br", "zstd"))
        with varnish(directory, "short", daemon, "1s", "off") as front:
            revalidation(checks, daemon, front, upstream)
    checks.end("varnish")


with Workspace() as workspace:
    main(workspace)
