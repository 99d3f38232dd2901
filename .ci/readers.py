#!/usr/bin/env python3
"""Real feed readers follow a channel: they subscribe, see a new post and an edit, and are told when nothing changed."""
import subprocess
import xml.etree.ElementTree

import clients
from rig import Checks, Daemon, Workspace, wait_for
from upstream import Upstream

NAME, POSTS = "kettle", 5
FILES = {"rss": "rss.xml", "atom": "atom.xml", "json": "feed.json"}


def served(daemon, text):
    wait_for(f"the daemon serves {text!r}", lambda: any(text in item["content_html"] for item in daemon.items(NAME)))


def look(checks, followed, when, count, text=None):
    """Every reader looks and holds `count` posts, one with `text`."""
    for client, kind in followed:
        found, who = client.read(), f"{type(client).__name__} ({kind}) {when}"
        checks.equal(len(found), count, f"{who}: posts")
        if text:
            checks.that(any(text in held for held in found.values()), f"{who}: does not hold {text!r}")


def unmodified(checks, daemon, followed):
    for client, kind in followed:
        for _ in range(client.looks - 1):
            client.read()
        before = daemon.answered(kind, 304)
        held = len(client.read())
        who = f"{type(client).__name__} ({kind})"
        checks.equal(daemon.answered(kind, 304) - before, 1, f"{who}: 304s when nothing changed")
        checks.equal(held, POSTS + 1, f"{who}: posts after that")


def imports(checks, daemon, directory):
    status, _, opml = daemon.get("/feeds.opml")
    if status == 404:
        print("no /feeds.opml to import yet")
        return
    (directory / "feeds.opml").write_bytes(opml)
    subprocess.run(
        ["newsboat", "-u", "urls", "-c", "urls.db", "-C", "/dev/null", "-i", "feeds.opml"], cwd=directory, check=True
    )
    wanted = {outline.get("xmlUrl") for outline in xml.etree.ElementTree.fromstring(opml).iter("outline")} - {None}
    found = {line.split()[0] for line in (directory / "urls").read_text().splitlines() if line.startswith("http")}
    checks.that(any(f"/{NAME}/" in url for url in wanted), "the OPML file lists the channel's feed")
    checks.equal(found, wanted, "what newsboat imports of the OPML file")


def main(directory):
    checks, upstream = Checks(), Upstream([NAME])
    for number in range(1, POSTS + 1):
        upstream.post(NAME, f"Post number {number} & more")
    with Daemon(directory, [upstream.url], [NAME]) as daemon:
        wait_for("the first page is stored", lambda: len(daemon.items(NAME)) == POSTS)
        followed = [
            (kind_of(f"{daemon.url}/{NAME}/{FILES[kind]}", directory / f"{kind_of.__name__}-{kind}"), kind)
            for kind_of, kinds in clients.ALL.items() for kind in kinds
        ]
        look(checks, followed, "after subscribing", POSTS, "Post number 3")
        upstream.post(NAME, "Quite a new one")
        served(daemon, "Quite a new one")
        look(checks, followed, "after a new post", POSTS + 1, "Quite a new one")
        upstream.edit(NAME, 3, "Wholly rewritten")
        served(daemon, "Wholly rewritten")
        look(checks, [pair for pair in followed if pair[0].shows_edits], "after an edit", POSTS + 1, "Wholly rewritten")
        look(checks, [pair for pair in followed if not pair[0].shows_edits], "after an edit", POSTS + 1)
        unmodified(checks, daemon, followed)
        imports(checks, daemon, directory)
    checks.end(f"{len(followed)} readers")


with Workspace() as workspace:
    main(workspace)
