#!/usr/bin/env python3
"""Flips one bit at a random place in a random file of a closed store, starts the real daemon on it, and looks.

flip.py BINARY --places N [--seed S]

Journal, index and small state are as likely as each other, so is every file in them, and in it every byte up to the last that is not
zero; in one trial of four there is no index, so that a damaged record has no copy. Each time
the daemon must start, say what it found (a damaged record with its number), and show every post with its guid and its
newest revision: at once, if the journal or the index still has it, else after upstream was asked again.
"""
import argparse
import collections
import pathlib
import random
import re
import shutil
import sys
import tempfile
import time

from daemon import Daemon, good_lines, journal
from channels import PAGE_IDS, Channel, StandIn
from subscriber import Subscriber, verified


def closed_store(binary, folder, seed):
    """A store of two channels, made by the daemon, with posts and edits; and upstream, standing still."""
    channels = [Channel(f"kitchen{n}", 1000 + n, seed + n, most=PAGE_IDS) for n in range(2)]
    stand_in = StandIn(channels)
    daemon = Daemon(binary, folder, stand_in, 1 << 14)
    daemon.start()
    daemon.up()
    daemon.until(lambda: all(len(c.posts) == PAGE_IDS for c in channels), 60, "posts")
    stand_in.growing = False
    expected = {(c.name, post): version for c in channels for post, version in c.posts.items()}
    daemon.until(lambda: daemon.shown() == expected, 60, "all posts")
    assert Subscriber().subscribe(daemon)
    daemon.until(lambda: verified(daemon) == 1, 10, "a lease")
    daemon.stop(15)
    return daemon, stand_in, expected


def flip(store, chance):
    trees = [[folder] for folder in (store / "journal", store / "index") if folder.exists()]
    tree = chance.choice([*trees, sorted(store.glob("state*.json"))])
    files = [path for root in tree for path in (root.rglob("*") if root.is_dir() else [root])]
    path = chance.choice(sorted(p for p in files if p.is_file() and p.stat().st_size))
    data = bytearray(path.read_bytes())
    place = chance.randrange(max(1, len(data.rstrip(b"\0"))))
    data[place] ^= 1 << chance.randrange(8)
    path.write_bytes(data)
    return path.relative_to(store), place


def trial(daemon, stand_in, expected, chance, counts, index):
    """With `index` the index is there; without it a damaged line has no copy."""
    if not index:
        shutil.rmtree(daemon.store / "index")
    sequences = [line["seq"] for line in good_lines(daemon.store)]
    where, place = flip(daemon.store, chance)
    hit = sorted(set(sequences) - {line["seq"] for line in good_lines(daemon.store)})
    daemon.log.unlink(missing_ok=True)
    stand_in.silent = True
    daemon.start()
    daemon.up()
    at_once = daemon.shown()
    stand_in.silent = False
    daemon.until(lambda: daemon.shown() == expected, 60, f"all posts after a flip in {where} at {place}")
    assert verified(daemon) == 1, f"the lease is lost: flip in {where} at {place}"
    reported = daemon.health()["store"]["damaged"]
    daemon.stop(15)
    said = re.sub(r"\x1b\[[0-9;]*m", "", daemon.said())
    told = [line for line in said.splitlines() if "damaged" in line or "unfinished write" in line]
    is_state = where.parts[0].startswith("state")
    assert not is_state or "small state was damaged" in said, f"nothing is said of a flip in {where} at {place}"
    assert not hit or told, f"nothing is said of records {hit}, hit in {where} at {place}"
    assert all(re.search(rf"\b{n}\b", " ".join(told)) or "unfinished write" in said for n in hit), (hit, told)
    if index:
        assert at_once == expected, f"posts are missing before upstream was asked: flip in {where} at {place}"
    counts["in the small state" if is_state else f"in {where.parts[0]}"] += 1
    counts["records damaged"] += len(hit)
    counts["records without a copy"] += len(reported)
    counts["indexes built anew"] += "built anew" in said
    counts["posts fetched again"] += len(expected) - len(at_once)
    revisions = journal(daemon.store, {1000: "kitchen0", 1001: "kitchen1"})
    missing = {key for key in ((n, p, v) for (n, p), v in expected.items()) if not revisions[key]}
    assert not missing, f"not in the journal: {missing}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary", type=pathlib.Path)
    parser.add_argument("--places", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    started, chance, counts = time.monotonic(), random.Random(options.seed), collections.Counter()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="feedbridge-flip-"))
    try:
        daemon, stand_in, expected = closed_store(options.binary, folder, options.seed)
        original = folder / "original"
        shutil.copytree(daemon.store, original)
        for number in range(options.places):
            shutil.rmtree(daemon.store)
            shutil.copytree(original, daemon.store)
            trial(daemon, stand_in, expected, chance, counts, index=number % 4 != 3)
    except AssertionError as failure:
        print(f"FAILED after {time.monotonic() - started:.0f} s: {failure}; {dict(counts)}; see {folder}")
        sys.exit(1)
    shutil.rmtree(folder)
    print(f"{options.places} flipped bits in {time.monotonic() - started:.0f} s: it always started and showed every "
          f"post with its guid; {dict(counts)}")


main()
