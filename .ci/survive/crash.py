#!/usr/bin/env python3
"""Kills the real daemon again and again at random moments, while it polls, writes, rotates, rebuilds and serves.

crash.py BINARY --cycles N [--seed S] [--power-loss SHIM [--lying-disk]]

A revision counts as acknowledged once a feed has shown it. After every cycle each acknowledged revision must stand in
the journal, in a line that is whole; at the end once, and in the feed (its newest version); and the feeds must equal,
byte for byte, those of a daemon that was never interrupted and saw the same posts and edits in the same order. Taken
out of that comparison: <updated>, <lastBuildDate> and date_modified, which tell when a change was seen.

With --power-loss the daemon runs under tests/powerloss/shim.c, and after each kill its files become what a disk may
hold after the power failed: see tests/powerloss/image.py. --lying-disk is the control: syncs then do nothing, and the
run must end in lost revisions.

Meanwhile somebody subscribes to a feed again and again; after each start all leases must be there that were kept.
"""
import argparse
import collections
import pathlib
import random
import shutil
import sys
import tempfile
import threading
import time

from daemon import Daemon, journal
from channels import Channel, StandIn
from subscriber import Subscriber, verified

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "tests" / "powerloss"))


class Reader(threading.Thread):
    """Reads the feeds without a break and remembers what they acknowledged."""

    def __init__(self, daemon):
        super().__init__(daemon=True)
        self.daemon_process, self.acknowledged, self.stopped = daemon, set(), False

    def run(self):
        while not self.stopped:
            shown = self.daemon_process.shown()
            for (name, post), version in (shown or {}).items():
                self.acknowledged.add((name, post, version))
            time.sleep(0.002)


class Trial:
    def __init__(self, options):
        self.options, self.random = options, random.Random(options.seed)
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="feedbridge-crash-"))
        self.channels = [Channel(f"kitchen{n}", 1000 + n, options.seed * 10 + n) for n in range(3)]
        # Of the one without posts the subscribers hear nothing: what is tried is their leases, not deliveries.
        self.channels.append(Channel("cellar", 1999, 0, most=0))
        self.numbers = {channel.number: channel.name for channel in self.channels}
        self.stand_in = StandIn(self.channels)
        self.subscriber = Subscriber()
        self.acknowledged, self.counts = set(), collections.Counter()

    def run(self):
        daemon = Daemon(self.options.binary, self.folder, self.stand_in, 1 << 14)
        for number in range(self.options.cycles):
            if self.options.power_loss is None:
                self.spoil(daemon.store / "index")
            self.cycle(daemon, number)
        self.stand_in.growing = False
        daemon.environment = {}
        feeds = self.settle(daemon)
        segments = len(list((daemon.store / "journal").glob("*.jsonl")))
        self.counts.update(revisions=len(self.acknowledged), segments=segments)
        self.compare(daemon, feeds)

    def spoil(self, index):
        """Before some cycles the index is lost or garbled, so that kills meet its rebuilding too."""
        kind = self.random.random()
        if kind < 0.12 and index.exists():
            shutil.rmtree(index)
            self.counts["index lost"] += 1
        elif kind < 0.24 and (index / "db").exists():
            with (index / "db").open("r+b") as file:
                file.seek(self.random.randrange(max(1, file.seek(0, 2) // 4)))
                file.write(self.random.randbytes(512))
            self.counts["index garbled"] += 1

    def cycle(self, daemon, number):
        trace = self.folder / "trace"
        if self.options.power_loss:
            trace.write_bytes(b"")
            daemon.environment = {"LD_PRELOAD": str(self.options.power_loss.resolve()), "POWERLOSS_ROOT": str(self.folder / "data"),
                                  "POWERLOSS_TRACE": str(trace), "POWERLOSS_LIES": str(int(self.options.lying_disk))}
            import image
            before = image.Image.load(self.folder / "data")
        reader = Reader(daemon)
        daemon.start()
        # One kill in five is to meet the start.
        if self.random.random() < 0.2:
            time.sleep(self.random.uniform(0, 0.15))
        else:
            reader.start()
            daemon.up()
            leases = verified(daemon)
            assert leases >= self.subscriber.kept, f"cycle {number}: {leases} leases, and {self.subscriber.kept} were kept"
            end = time.monotonic() + self.random.uniform(0, 1.2)
            self.subscriber.go_on(daemon, lambda: time.monotonic() >= end)
        died = daemon.process.poll()
        assert died is None, f"cycle {number}: the daemon ended by itself with {died}: {daemon.said()[-2000:]}"
        daemon.stop()
        reader.stopped = True
        if reader.ident:
            reader.join()
        self.acknowledged |= reader.acknowledged
        if self.options.power_loss:
            image.crash(before, trace, self.random, self.counts).store(self.folder / "data")
        lost = self.acknowledged - set(journal(daemon.store, self.numbers))
        assert not lost, f"cycle {number}: acknowledged, but not in the journal: {sorted(lost)[:5]} and more, {len(lost)} in all"

    def settle(self, daemon):
        """Everything that is upstream is in the feeds; nothing is there twice."""
        daemon.start()
        daemon.up()
        expected = {(c.name, post): version for c in self.channels for post, version in c.posts.items()}
        daemon.until(lambda: daemon.shown() == expected, 60, "all of upstream's posts in the feeds")
        feeds = daemon.feeds()
        assert daemon.health()["store"]["damaged"] == [], "a kill has damaged the journal"
        leases = verified(daemon)
        assert leases >= self.subscriber.kept, f"{leases} leases, and {self.subscriber.kept} were kept"
        self.counts["leases"] = leases
        daemon.stop()
        revisions = journal(daemon.store, self.numbers)
        twice = {key for key, times in revisions.items() if times > 1}
        assert not twice, f"more than once in the journal: {sorted(twice)[:5]}"
        assert self.acknowledged <= set(revisions)
        garbled = self.counts["index garbled"] or self.options.power_loss
        assert garbled or "panicked" not in daemon.said(), "the daemon panicked"
        return feeds

    def compare(self, daemon, feeds):
        other = pathlib.Path(tempfile.mkdtemp(prefix="feedbridge-whole-"))
        channels = [Channel(c.name, c.number, 0) for c in self.channels]
        for channel, original in zip(channels, self.channels):
            channel.events = original.events
        whole = StandIn(channels)
        whole.growing = False
        calm = Daemon(daemon.binary, other, whole)
        calm.start()
        while any(c.shown < len(c.events) for c in channels):
            with whole.lock:
                for channel in channels:
                    channel.advance(channel.shown + 12)
            expected = {(c.name, post): version for c in channels for post, version in c.posts.items()}
            calm.until(lambda: calm.shown() == expected, 60, "the uninterrupted daemon to follow")
        same = calm.feeds() == feeds
        calm.stop()
        assert same, f"the feeds differ from an uninterrupted run's; see {self.folder} and {other}"
        shutil.rmtree(other)
        shutil.rmtree(self.folder)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary", type=pathlib.Path)
    parser.add_argument("--cycles", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--power-loss", type=pathlib.Path)
    parser.add_argument("--lying-disk", action="store_true")
    trial = Trial(parser.parse_args())
    started = time.monotonic()
    try:
        trial.run()
    except AssertionError as failure:
        print(f"FAILED after {time.monotonic() - started:.0f} s: {failure}; {dict(trial.counts)}")
        sys.exit(1)
    print(f"{trial.options.cycles} cycles in {time.monotonic() - started:.0f} s: nothing acknowledged was lost or doubled, "
          f"the feeds equal an uninterrupted run's; {dict(trial.counts)}")


main()
