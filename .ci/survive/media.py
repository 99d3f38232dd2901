#!/usr/bin/env python3
"""Kills the real daemon while it fetches files, and looks at what is kept of them.

media.py BINARY --cycles N [--files N] [--seed S] [--power-loss SHIM] [--quota BYTES] [--room BYTES]

A file that was served with a tag counts as kept. After every cycle `feedbridge media verify` finds nothing, every file
that was kept is served again, byte for byte, and nothing is served that upstream never had. With --quota, at most that
much is kept, and what is served is right all the same. With --room, the disk of files holds so much, which takes root: posts and feeds go
on, and readers are led to what has no room. With --power-loss, see crash.py.
"""
import argparse
import collections
import hashlib
import http.client
import http.server
import json
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "tests" / "powerloss"))
import image
from daemon import free_port
from upstream import Answer, Server, StandIn, asked_for, block, newest, page, text

CHANNELS = 4
PICTURE = ('<a class="tgme_widget_message_photo_wrap 51{id} 12_34" href="https://t.me/{name}/{id}" '
           'style="width:450px;background-image:url(\'{url}\')"><div class="tgme_widget_message_photo" '
           'style="width:75%;padding-top:66%"></div></a>')


class Files(http.server.BaseHTTPRequestHandler):
    """Gives each file in pieces, slowly, so that a kill finds downloads on their way."""
    protocol_version = "HTTP/1.1"
    contents = {}

    def log_message(self, *_):
        pass

    def do_GET(self):
        body = self.contents.get(self.path)
        if body is None:
            self.send_error(404)
            return
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if wanted:
            first, last = int(wanted[1]), min(int(wanted[2] or len(body) - 1), len(body) - 1)
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {first}-{last}/{len(body)}")
            body = body[first:last + 1]
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        try:
            for at in range(0, len(body), 32 << 10):
                self.wfile.write(body[at:at + (32 << 10)])
                time.sleep(0.002)
        except OSError:
            pass


class Channels(StandIn):
    def __init__(self, count, base):
        self.base = base
        self.posts = {f"album{number}": range(1, count // CHANNELS + 1) for number in range(CHANNELS)}
        super().__init__()

    def answer(self, path):
        name, before = asked_for(path)
        if name not in self.posts:
            return Answer(404)
        shown, older = newest(self.posts[name], before)
        number = 1_000_000_000 + int(name[5:])
        blocks = [block(name, number, post, PICTURE.format(name=name, id=post, url=f"{self.base}/{name}/{post}.jpg")
                        + text(f"Picture {post}")) for post in shown]
        return Answer(200, page(name, blocks, older=older))


class Trial:
    def __init__(self, options):
        self.options, self.random = options, random.Random(options.seed)
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="feedbridge-media-"))
        server = Server(("127.0.0.1", 0), Files)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.upstream = Channels(options.files, f"http://127.0.0.1:{server.server_port}")
        self.truth = {}
        for name, posts in self.upstream.posts.items():
            for post in posts:
                # Every tenth is a forward of the first: the same file.
                seed = f"{name}/{post}" if post % 10 else "forward"
                chance = random.Random(seed)
                body = b"\xff\xd8\xff\xe0" + chance.randbytes(chance.randint(2_000, 300_000))
                Files.contents[f"/{name}/{post}.jpg"] = self.truth[f"{name}/{post}/1.jpg"] = body
        self.port, self.kept, self.counts = free_port(), set(), {"kills": 0, "checked": 0}
        quota = f"quota_bytes = {options.quota}\n" if options.quota else ""
        channels = "".join(f'[[channel]]\nname = "{name}"\nhistory = "all"\n' for name in self.upstream.posts)
        (self.folder / "config.toml").write_text(
            f'[server]\nlisten = "127.0.0.1:{self.port}"\n[store]\npath = "{self.folder}/data"\n[upstream]\n'
            f'hosts = ["{self.upstream.url}"]\n[poll]\nrequests_per_minute = 6000\ninterval_seconds = 1\n[media]\n'
            f'mode = "cache"\nallow_private = true\n{quota}{channels}')

    def command(self, *words):
        return [str(pathlib.Path(self.options.binary).resolve()), "--config", str(self.folder / "config.toml"), *words]

    def get(self, place, below="/media/"):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request("GET", below + place)
            response = connection.getresponse()
            return response.status, response.getheader("ETag"), response.read()
        except (OSError, http.client.HTTPException):
            return 0, None, b""
        finally:
            connection.close()

    def look(self, place):
        """Asks for the file; whatever comes whole is right."""
        status, tag, body = self.get(place)
        if status == 200:
            assert body == self.truth[place], f"{place}: {len(body)} bytes that are not the file's {len(self.truth[place])}"
            self.counts["checked"] += 1
            if tag:
                assert tag.strip('"') == hashlib.sha256(body).hexdigest(), f"{place}: a tag of something else"
                self.kept.add(place)
        return status == 200 and tag is not None

    def cycle(self):
        environment, before, trace = None, None, None
        if self.options.power_loss:
            trace = self.folder / "trace"
            trace.write_bytes(b"")
            environment = {"LD_PRELOAD": str(self.options.power_loss.resolve()), "POWERLOSS_ROOT": str(self.folder / "data"),
                           "POWERLOSS_TRACE": str(trace), "POWERLOSS_LIES": "0"}
            before = image.Image.load(self.folder / "data")
        with (self.folder / "log").open("ab") as log:
            process = subprocess.Popen(self.command("serve"), stdout=log, stderr=log, env=environment)
        end = time.monotonic() + self.random.uniform(0.3, 2.5)
        while time.monotonic() < end and process.poll() is None:
            self.look(self.random.choice(list(self.truth)))
        process.send_signal(signal.SIGKILL)
        process.wait()
        self.counts["kills"] += 1
        if self.options.power_loss:
            image.crash(before, trace, self.random, collections.Counter()).store(self.folder / "data")
        self.verify()

    def verify(self):
        ran = subprocess.run(self.command("media", "verify"), capture_output=True, text=True, timeout=120)
        assert ran.returncode == 0, ran.stderr[-2000:]

    def finish_without_room(self):
        """All posts are stored and shown, and each file is given or led to."""
        with (self.folder / "log").open("ab") as log:
            process = subprocess.Popen(self.command("serve"), stdout=log, stderr=log)
        try:
            end, posts = time.monotonic() + 120, 0
            while posts < len(self.truth) and time.monotonic() < end:
                status, _, health = self.get("health", "/")
                posts = sum(channel["posts"] for channel in json.loads(health)["channels"]) if status == 200 else 0
                time.sleep(0.1)
            assert posts == len(self.truth), f"{posts} of {len(self.truth)} posts are stored"
            for name in self.upstream.posts:
                assert self.get(f"{name}/atom.xml", "/")[0] == 200, f"no feed of {name}"
            answers = collections.Counter()
            for place in self.truth:
                self.look(place)
                answers[self.get(place)[0]] += 1
            assert set(answers) <= {200, 302} and answers[302], f"files are answered with {dict(answers)}"
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait()
        self.verify()
        files = [path for path in (self.folder / "data/media/objects").rglob("*") if path.is_file()]
        return sum(path.stat().st_size for path in files)

    def finish(self):
        """With nothing in the way, all that was kept is there, or, within a quota, comes again."""
        with (self.folder / "log").open("ab") as log:
            process = subprocess.Popen(self.command("serve"), stdout=log, stderr=log)
        try:
            end = time.monotonic() + 120
            missing = set(self.truth)
            while missing and time.monotonic() < end:
                # Within a quota it may have left again by the next round.
                missing = {place for place in missing if not any(self.look(place) for _ in range(50))}
            assert not missing, f"{len(missing)} of {len(self.truth)} files are not there at the end"
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait()
        self.verify()
        stored = sum(path.stat().st_size for path in (self.folder / "data/media/objects").rglob("*") if path.is_file())
        if self.options.quota:
            assert stored <= self.options.quota, f"{stored} bytes are kept of {self.options.quota}"
        left = [path for path in (self.folder / "data").rglob("*") if path.is_file() and "spool" in path.parts]
        assert not left, f"files on their way are left: {left}"
        return stored


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary")
    parser.add_argument("--cycles", type=int, required=True)
    parser.add_argument("--files", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--power-loss", type=pathlib.Path)
    parser.add_argument("--quota", type=int)
    parser.add_argument("--room", type=int)
    trial = Trial(parser.parse_args())
    began, finish = time.monotonic(), trial.finish
    disk = trial.folder / "data/media"
    if trial.options.room:
        disk.mkdir(parents=True)
        mount = ["mount", "-t", "tmpfs", "-o", f"size={trial.options.room}", "none", disk]
        if os.geteuid() or subprocess.run(mount, capture_output=True).returncode:
            shutil.rmtree(trial.folder)
            print("skipped: only root may mount a small disk, and not everywhere")
            return
        finish = trial.finish_without_room
    try:
        run(trial, finish, began)
    finally:
        if trial.options.room:
            subprocess.run(["umount", disk], check=True)
    shutil.rmtree(trial.folder)


def run(trial, finish, began):
    for number in range(trial.options.cycles):
        try:
            trial.cycle()
        except AssertionError as error:
            sys.exit(f"cycle {number}: {error}\nkept for a look: {trial.folder}")
    try:
        stored = finish()
    except AssertionError as error:
        sys.exit(f"at the end: {error}\nkept for a look: {trial.folder}")
    print(f"{trial.counts['kills']} kills in {time.monotonic() - began:.0f} s while {len(trial.truth)} files came: none "
          f"half, none lost; {trial.counts['checked']} served as they were, {stored} bytes kept")


main()
