"""Names that nobody configured, asked for by crowds: python demand.py [READERS]

A thousand readers of one name cost one poll; who asks for 500 names has 20 followed, within the budget, while others are
polled as before; a name that nobody has is asked for once; what was answered survives kills."""
import collections
import concurrent.futures
import random
import sys
import time

from rig import Checks, Daemon, Workspace, wait_for
from upstream import NOBODY, Answer, Upstream, asked_for

READERS = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
OURS = [f"ours_{number}" for number in range(20)]
CUPS = [f"cup_{number}" for number in range(500)]
INTERVAL = 30
BUDGET = 120
SEEDS = 6


class Watched(Upstream):
    """Remembers when each preview was asked for; names that it does not have are nobody's."""

    def __init__(self, channels):
        self.times = collections.defaultdict(list)
        super().__init__(channels)
        for name in channels:
            self.post(name, f"Tea of {name}")

    def answer(self, path):
        name, _ = asked_for(path)
        self.times[name or path].append(time.monotonic())
        if name in self.posts:
            return super().answer(path)
        return Answer(302, location=f"https://t.me/{name}") if name else Answer(200, NOBODY)

    def within(self, start, end, names=None):
        wanted = [times for name, times in list(self.times.items()) if names is None or name in names]
        return sorted(at for times in wanted for at in list(times) if start <= at < end)


def configured(directory, upstream, channels=(), more=""):
    daemon = Daemon(directory, [upstream.url], channels, more=more)
    text = daemon.config.read_text().replace(f"interval_seconds = 1\nrequests_per_minute = 6000",
                                             f"interval_seconds = {INTERVAL}\nrequests_per_minute = {BUDGET}")
    daemon.config.write_text(text)
    return daemon


def crowd(checks):
    upstream = Watched([*OURS[:3], "kettle"])
    with Workspace() as directory, configured(directory, upstream, OURS[:3]) as daemon:
        began = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(READERS) as readers:
            answers = list(readers.map(lambda _: daemon.get("/kettle/atom.xml"), range(READERS)))
        took = time.monotonic() - began
        checks.equal({status for status, *_ in answers}, {200}, "statuses of the crowd")
        checks.that(all(b"Tea of kettle" in body for *_, body in answers), "all have the posts")
        checks.equal(len(upstream.times["kettle"]), 1, f"polls for {READERS} readers")
        checks.that(took < 10, f"the crowd was served in {took:.1f} s")
        print(f"{READERS} readers of one new name: 1 poll, all answered within {took:.1f} s")

        for _ in range(5):
            status, headers, body = daemon.get("/nobody_here/rss.xml")
            checks.equal(status, 404, "a name that nobody has")
            checks.that(b"not found" in body, f"says so: {body}")
        checks.equal(len(upstream.times["nobody_here"]), 1, "looks at a name that nobody has")


def late(times, interval):
    """The mean of how much longer than the interval polls of one channel were apart."""
    gaps = [after - before for of in times for before, after in zip(of, of[1:])]
    return sum(gaps) / len(gaps) / interval


def flood(checks):
    upstream = Watched(OURS + CUPS)
    with Workspace() as directory, configured(directory, upstream, OURS) as daemon:
        wait_for("all are polled", lambda: all(upstream.times[name] for name in OURS), 60)
        start = time.monotonic()
        time.sleep(2.2 * INTERVAL)
        flooded = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(50) as readers:
            statuses = collections.Counter(readers.map(lambda name: daemon.get(f"/{name}/atom.xml")[0], CUPS))
        checks.that(statuses[429] == len(CUPS) - 20, f"20 of 500 names are admitted: {statuses}")
        time.sleep(max(0, flooded + 2.2 * INTERVAL - time.monotonic()))
        end = time.monotonic()
        asked = [name for name in CUPS if upstream.times[name]]
        checks.equal(len(asked), 20, "names that were asked for upstream")
        wait_for("they are followed", lambda: sum(daemon.get(f"/{name}/atom.xml")[0] == 200 for name in asked) == 20)
        apart = lambda since, until: [upstream.within(since, until, [name]) for name in OURS]
        before, after = late(apart(start, flooded), INTERVAL), late(apart(flooded - INTERVAL, end), INTERVAL)
        all_times = upstream.within(start, end)
        most = max(sum(at <= other < at + 60 for other in all_times) for at in all_times)
        checks.that(most <= BUDGET, f"{most} requests in a minute, {BUDGET} allowed")
        checks.that(after <= 1.1 * before, f"others are polled every {after:.3f} intervals, {before:.3f} before")
        print(f"500 names from one address: {len(asked)} asked for, at most {most} requests in a minute of {BUDGET}; "
              f"others' polls {100 * (after / before - 1):+.1f} % later")


def kills(checks):
    for seed in range(SEEDS):
        chance = random.Random(seed)
        names = CUPS[:40]
        upstream = Watched(names)
        more = "[on_demand]\nnew_per_hour = 1000\n"
        with Workspace() as directory, configured(directory, upstream, more=more) as daemon:
            daemon.config.write_text(daemon.config.read_text().replace(f"requests_per_minute = {BUDGET}",
                                                                       "requests_per_minute = 6000"))
            daemon.kill()
            daemon.start()
            answered = set()

            def ask(name):
                try:
                    if daemon.get(f"/{name}/atom.xml")[0] == 200:
                        answered.add(name)
                except OSError:
                    pass

            with concurrent.futures.ThreadPoolExecutor(8) as readers:
                asking = [readers.submit(ask, name) for name in names]
                wanted = chance.randrange(1, 35)
                wait_for("some are answered", lambda: len(answered) >= wanted)
                daemon.kill()
                concurrent.futures.wait(asking)
            upstream.server.shutdown()
            upstream.server.server_close()
            daemon.start()
            lost = [name for name in answered if daemon.get(f"/{name}/feed.json")[0] != 200]
            checks.equal(lost, [], f"seed {seed}: follows lost by a kill after {len(answered)} answers")
    print(f"{SEEDS} kills in the middle: no follow lost that was answered")


if __name__ == "__main__":
    checks = Checks()
    crowd(checks)
    flood(checks)
    kills(checks)
    checks.end("names on demand")
