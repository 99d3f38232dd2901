#!/usr/bin/env python3
"""Fills the disk under the real daemon, and frees it again; then disks that cannot be written to at all.

disk.py BINARY [TIMES]

Needs root for a tmpfs and a read-only mount; says so and ends well without. While the disk is full, polling must pause,
feeds be served, /health say why and be degraded, and nothing acknowledged be lost; within a minute after space returns
new posts must come in without a restart.
"""
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import time

from daemon import Daemon, journal
from channels import Channel, StandIn

NUMBERS = {1000: "kitchen0", 1001: "kitchen1"}


def mounted(folder, *options):
    done = subprocess.run(["mount", "-t", "tmpfs", *options, "none", str(folder)], capture_output=True, text=True)
    return done.returncode == 0


def fill(ballast):
    with ballast.open("ab", buffering=0) as file:
        for size in (1 << 16, 1 << 12, 1):
            try:
                while True:
                    file.write(bytes(size))
            except OSError:
                pass


def serves_while_full(daemon, stand_in):
    daemon.until(lambda: daemon.health()["store"]["write_error"], 60, "a write error in health")
    asked = stand_in.asked
    end, states = time.monotonic() + 20, []
    while time.monotonic() < end:
        for name in daemon.names:
            for feed in ("rss.xml", "atom.xml", "feed.json"):
                status, _ = daemon.get(f"/{name}/{feed}")
                assert status == 200, f"{feed} is answered with {status} while the disk is full"
        status, _ = daemon.get("/health")
        health = daemon.health()
        assert status == 200 and health["store"]["readable"], (status, health)
        states.append(health["status"])
        time.sleep(0.2)
    # A write may fit into room that was just freed; then all is well until the next one.
    degraded = states.count("degraded") / len(states)
    assert degraded > 0.8, f"health was degraded only {degraded:.0%} of the time"
    daemon.until(lambda: daemon.health()["status"] == "degraded", 30, "health to be degraded at the end")
    looks = stand_in.asked - asked
    assert looks <= 12, f"polling did not pause: {looks} requests in 20 s"


class Full:
    """Keeps a disk full: what the daemon frees, by giving up a broken index, is taken within milliseconds."""

    def __init__(self, ballast):
        self.ballast, self.over = ballast, threading.Event()
        self.thread = threading.Thread(target=self.keep)

    def keep(self):
        while not self.over.wait(0.005):
            fill(self.ballast)

    def __enter__(self):
        fill(self.ballast)
        self.thread.start()

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()


def full_disk(binary, folder, times):
    channels = [Channel(f"kitchen{n}", 1000 + n, n) for n in range(2)]
    stand_in = StandIn(channels)
    # As in earnest: a channel that fails is left alone for minutes, and a full disk must not count as such a failure.
    daemon = Daemon(binary, folder, stand_in, floor=120, ceiling=21600)
    daemon.store.mkdir()
    assert mounted(daemon.store, "-o", "size=16m")
    waits = []
    try:
        daemon.start()
        daemon.up()
        daemon.until(lambda: all(len(c.posts) > 20 for c in channels), 60, "posts")
        for _ in range(times):
            ballast = daemon.store / "ballast"
            with Full(ballast):
                serves_while_full(daemon, stand_in)
            before = daemon.shown()
            ballast.unlink()
            freed = time.monotonic()
            daemon.until(lambda: daemon.health()["store"]["write_error"] is None, 60, "recovery")
            daemon.until(lambda: len(daemon.shown() or ()) > len(before), 60, "new posts after the recovery")
            waits.append(time.monotonic() - freed)
            lost = {key for key, version in before.items() if daemon.shown().get(key, 0) < version}
            assert not lost, f"lost: {sorted(lost)}"
        stand_in.growing = False
        expected = {(c.name, post): version for c in channels for post, version in c.posts.items()}
        daemon.until(lambda: daemon.shown() == expected, 60, "all posts")
        assert daemon.health()["status"] == "ok"
        assert daemon.stop(15) == 0, "it did not end well"
        revisions = journal(daemon.store, NUMBERS)
        assert max(revisions.values()) == 1
        panics = daemon.said().count("panicked")
        assert panics == 0, f"{panics} panics in the log: {daemon.said()[-3000:]}"
    finally:
        if daemon.process.poll() is None:
            daemon.stop()
        subprocess.run(["umount", str(daemon.store)], check=True)
    return waits


def refuses(daemon, words, prefix=()):
    daemon.log.unlink(missing_ok=True)
    daemon.start(prefix)
    code = daemon.process.wait(30)
    said = daemon.said().strip().splitlines()
    assert code == 1, f"exit code {code}: {said}"
    assert any(line.startswith("feedbridge: ") and words in line and str(daemon.store) in line for line in said), said
    assert "panicked" not in daemon.said()
    return said[-1]


def unwritable(binary, folder):
    stand_in = StandIn([Channel("kitchen0", 1000, 0)])
    daemon = Daemon(binary, folder, stand_in)
    daemon.store.mkdir()
    assert mounted(daemon.store, "-o", "size=1m,ro")
    try:
        lines = [refuses(daemon, "Read-only file system")]
    finally:
        subprocess.run(["umount", str(daemon.store)], check=True)
    daemon.store.chmod(0o500)
    folder.chmod(0o777)
    os.chown(daemon.store, 65534, 65534)
    nobody = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--")
    lines.append(refuses(daemon, "Permission denied", nobody))
    return lines


def main():
    binary, times = pathlib.Path(sys.argv[1]), int((sys.argv[2:] or [3])[0])
    if os.geteuid() != 0:
        print("skipped: only root may mount a small disk")
        return
    with tempfile.TemporaryDirectory() as probe:
        if not mounted(probe, "-o", "size=1m"):
            print("skipped: a small disk cannot be mounted here")
            return
        subprocess.run(["umount", probe], check=True)
    try:
        with tempfile.TemporaryDirectory() as folder:
            waits = full_disk(binary, pathlib.Path(folder), times)
        with tempfile.TemporaryDirectory() as folder:
            pathlib.Path(folder).chmod(0o755)
            lines = unwritable(binary, pathlib.Path(folder))
    except AssertionError as failure:
        print(f"FAILED: {failure}")
        sys.exit(1)
    print(f"full disk, {times} times: feeds and health were served, polling paused, nothing was lost; new posts came in "
          f"{', '.join(f'{wait:.0f}' for wait in waits)} s after space returned")
    print("\n".join(lines))


main()
