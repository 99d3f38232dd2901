"""The real daemon as a process, what it serves, and what its journal holds. Knows nothing of what is done to it."""
import collections
import http.client
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import time
import zlib

CONFIG = """[server]
listen = "127.0.0.1:{port}"
[store]
path = "{store}"
segment_bytes = {segment_bytes}
[upstream]
hosts = ["{upstream}"]
[poll]
requests_per_minute = 6000
floor_seconds = {floor}
ceiling_seconds = {ceiling}
interval_seconds = {interval}
[hub]
enabled = true
allow_private_callbacks = true
subscriptions_per_host = 10000
subscriptions_per_topic = 10000
[defaults]
posts = 1000
bytes = 67108864
title_length = 0
"""


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Daemon:
    def __init__(self, binary, folder, stand_in, segment_bytes=1 << 15, interval=1, floor=1, ceiling=1, environment=None):
        self.binary, self.folder = str(pathlib.Path(binary).resolve()), pathlib.Path(folder)
        self.store, self.log = self.folder / "data", self.folder / "log"
        self.port, self.names = free_port(), list(stand_in.channels)
        self.environment = environment or {}
        config = CONFIG.format(port=self.port, store=self.store, segment_bytes=segment_bytes,
                               upstream=stand_in.url, interval=interval, floor=floor, ceiling=ceiling)
        config += "".join(f'[[channel]]\nname = "{name}"\n' for name in self.names)
        (self.folder / "config.toml").write_text(config)
        self.process = None

    def start(self, prefix=()):
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*prefix, self.binary, "--config", str(self.folder / "config.toml")], stderr=log, stdout=log,
                env={**os.environ, "NO_COLOR": "1", **self.environment})

    def stop(self, how=signal.SIGKILL):
        self.process.send_signal(how)
        return self.process.wait()

    def get(self, path, timeout=20):
        """Status and body; (0, b"") when the daemon is not there."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read()
        except (OSError, http.client.HTTPException):
            return 0, b""
        finally:
            connection.close()

    def until(self, holds, seconds, what):
        """Asks again and again until `holds` returns something true, which is returned."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            found = holds()
            if found:
                return found
            if self.process.poll() is not None:
                raise AssertionError(f"the daemon ended while waiting for {what}: {self.said()[-2000:]}")
            time.sleep(0.02)
        raise AssertionError(f"{what}: not within {seconds} s; {self.said()[-2000:]}")

    def up(self):
        self.until(lambda: self.get("/readyz")[0] == 200, 60, "readiness")

    def health(self):
        return json.loads(self.get("/health")[1] or b"{}")

    def said(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def shown(self):
        """{(channel, post): version} as the JSON feeds show it, with guids that are as they must be; None while down."""
        posts = {}
        for name in self.names:
            status, body = self.get(f"/{name}/feed.json")
            if status != 200:
                return None
            for item in json.loads(body)["items"]:
                post, version = revision(item["content_html"])
                assert item["id"] == f"https://t.me/{name}/{post}", item["id"]
                assert (name, post) not in posts, f"{name}/{post} twice in a feed"
                posts[name, post] = version
        return posts

    def feeds(self):
        """The feeds as they are served, without what depends on when a change was seen."""
        feeds = {}
        for name in self.names:
            for kind in ("rss.xml", "atom.xml", "feed.json"):
                status, body = self.get(f"/{name}/{kind}")
                assert status == 200, (name, kind, status)
                feeds[name, kind] = WHEN_SEEN.sub(b"", body).replace(str(self.port).encode(), b"PORT")
        return feeds


WHEN_SEEN = re.compile(rb'<updated>[^<]*</updated>|<atom:updated>[^<]*</atom:updated>|<lastBuildDate>[^<]*</lastBuildDate>|,?"date_modified":\s*"[^"]*"')


def revision(words):
    post, version = re.search(r"Post (\d+) version (\d+)\.", words).groups()
    return int(post), int(version)


def good_lines(store):
    """The records of the journal whose checksums are right."""
    for segment in sorted((store / "journal").glob("*.jsonl")):
        for line in segment.read_bytes().split(b"\n"):
            if line.startswith(b'{"crc":"') and re.fullmatch(rb"[0-9a-f]{8}", line[8:16]):
                if zlib.crc32(line[18:]) == int(line[8:16], 16) and line[16:18] == b'",':
                    yield json.loads(line)


def journal(store, numbers):
    """How often each (channel, post, version) stands in the journal as a new revision. `numbers`: names by channel id."""
    revisions = collections.Counter()
    for line in good_lines(store):
        change = line["record"].get("change")
        if change and change["kind"] in ("new", "edited"):
            post, version = revision(json.dumps(change["stored"]["post"]["parts"]))
            revisions[numbers[change["channel"]], post, version] += 1
    return revisions
