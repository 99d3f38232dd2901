#!/usr/bin/env python3
"""Kills the real program twenty times, at any moment of polling and writing, while upstream keeps posting and editing.
In the end every post stands in the feed once, as it reads upstream."""
import random
import threading
import time

from rig import Checks, Daemon, Failure, Workspace, wait_for
from upstream import Upstream

KILLS, CHANNELS = 20, ["kettle", "teapot", "saucer"]
# A feed can hold no more.
MOST = 950


def publish(upstream, stopped):
    """About thirty posts a second in all, and an edit of a recent post for every third."""
    chance = random.Random(7)
    while not stopped.wait(0.1):
        for name in CHANNELS:
            number = len(upstream.texts(name))
            if number < MOST:
                number = upstream.post(name, f"post {number + 1} of {name}")
            if number % 3 == 0:
                upstream.edit(name, number - chance.randrange(3), f"edited at {number} in {name}")


def shown(daemon, name):
    return {int(item["id"].rsplit("/", 1)[1]): item["content_html"] for item in daemon.items(name)}


def is_complete(daemon, upstream, name):
    texts, found = upstream.texts(name), shown(daemon, name)
    return found.keys() == texts.keys() and all(text in found[number] for number, text in texts.items())


def main(directory):
    checks, chance, stopped = Checks(), random.Random(), threading.Event()
    upstream = Upstream(CHANNELS)
    for name in CHANNELS:
        upstream.post(name, "the first")
    publisher = threading.Thread(target=publish, args=(upstream, stopped))
    publisher.start()
    try:
        with Daemon(directory, [upstream.url], CHANNELS, posts=1000, bytes=64 << 20) as daemon:
            for _ in range(KILLS):
                time.sleep(chance.uniform(0.1, 1.5))
                daemon.kill()
                daemon.start()
            stopped.set()
            publisher.join()
            finish(checks, daemon, upstream)
            checks.equal(daemon.stop(), 0, "exit code after SIGTERM")
            checks.equal(daemon.command("check").returncode, 0, "exit code of `check`")
    finally:
        stopped.set()
    checks.end(f"{KILLS} kills")


def finish(checks, daemon, upstream):
    for name in CHANNELS:
        texts = upstream.texts(name)
        try:
            wait_for(name, lambda: is_complete(daemon, upstream, name))
        except Failure:
            pass
        found, ids = shown(daemon, name), [item["id"] for item in daemon.items(name)]
        checks.that(len(texts) > 100, f"upstream posted {len(texts)} posts in {name}, too few to prove anything")
        checks.equal(sorted(texts.keys() - found.keys()), [], f"posts lost of {name}")
        checks.equal(len(ids), len(set(ids)), f"posts of {name}, each once")
        stale = [number for number, text in texts.items() if text not in found.get(number, text)]
        checks.equal(stale, [], f"posts of {name} that do not read as upstream's")
        print(f"{name}: {len(texts)} posts upstream, {len(ids)} in the feed")


with Workspace() as workspace:
    main(workspace)
