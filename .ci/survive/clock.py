#!/usr/bin/env python3
"""Moves the wall's clock under the real daemon by a day either way, and lets the machine sleep.

clock.py BINARY

Needs libfaketime (Debian's package faketime); says so and ends well without. The monotonic clock is left alone, as a
set clock leaves it alone. After each jump, and after a restart within each, upstream must be asked as often as before:
no storm, no dead schedule; and no post's `updated` may ever go back.
"""
import glob
import pathlib
import re
import signal
import sys
import tempfile
import time

from daemon import Daemon
from channels import Channel, StandIn

SECONDS = 8
LIBRARIES = "/usr/lib/*/faketime/libfaketimeMT.so.1"


class Watch:
    """The newest `updated` of every entry that was ever seen."""

    def __init__(self, daemon):
        self.daemon, self.updated = daemon, {}

    def look(self):
        for name in self.daemon.names:
            _, body = self.daemon.get(f"/{name}/atom.xml")
            for entry in re.findall(r"<entry>.*?</entry>", body.decode(), re.S):
                guid, updated = (re.search(rf"<{tag}>([^<]*)</{tag}>", entry).group(1) for tag in ("id", "updated"))
                before = self.updated.get(guid, updated)
                assert updated >= before, f"{guid}: updated went back from {before} to {updated}"
                self.updated[guid] = updated


def rate(stand_in, watch):
    """Requests while some seconds pass."""
    asked, end = stand_in.asked, time.monotonic() + SECONDS
    while time.monotonic() < end:
        watch.look()
        time.sleep(0.1)
    return stand_in.asked - asked


def run(binary, folder, library):
    channels = [Channel(f"kitchen{n}", 1000 + n, n) for n in range(2)]
    stand_in = StandIn(channels)
    jump = folder / "jump"
    jump.write_text("+0\n")
    daemon = Daemon(binary, folder, stand_in, environment={
        "LD_PRELOAD": library, "FAKETIME_TIMESTAMP_FILE": str(jump), "FAKETIME_NO_CACHE": "1", "DONT_FAKE_MONOTONIC": "1"})
    watch, rates = Watch(daemon), {}
    daemon.start()
    daemon.up()
    daemon.until(lambda: all(len(c.posts) > 10 for c in channels), 60, "posts")
    rates["before"] = rate(stand_in, watch)
    least, most = rates["before"] // 2, rates["before"] * 2
    for offset, where in (("+1d", "a day ahead"), ("+0", "back again"), ("-1d", "a day behind"), ("+0", "right again")):
        jump.write_text(f"{offset}\n")
        rates[f"jumped: {where}"] = rate(stand_in, watch)
        daemon.stop(signal.SIGTERM)
        daemon.start()
        daemon.up()
        rates[f"restarted: {where}"] = rate(stand_in, watch)
    daemon.process.send_signal(signal.SIGSTOP)
    jump.write_text("+8h\n")
    time.sleep(3)
    daemon.process.send_signal(signal.SIGCONT)
    rates["slept 8 hours"] = rate(stand_in, watch)
    daemon.stop()
    assert all(least <= found <= most for found in rates.values()), f"not between {least} and {most}: {rates}"
    ahead = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(time.time() + 12 * 3600))
    jumped = {entry for entry, updated in watch.updated.items() if updated > ahead}
    assert jumped, "no edit was seen while the clock was a day ahead: nothing was tested"
    assert "panicked" not in daemon.said()
    return rates, len(watch.updated), len(jumped)


def main():
    found = glob.glob(LIBRARIES)
    if not found:
        print("skipped: libfaketime is not installed (package faketime)")
        return
    with tempfile.TemporaryDirectory() as folder:
        try:
            rates, posts, jumped = run(sys.argv[1], pathlib.Path(folder), found[0])
        except AssertionError as failure:
            print(f"FAILED: {failure}")
            sys.exit(1)
    print(f"requests in {SECONDS} s each: {rates}; `updated` of {posts} posts never went back, though {jumped} were edited "
          "while the clock was a day ahead")


main()
