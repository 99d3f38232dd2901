#!/usr/bin/env python3
"""The real program against captured pages: newsboat, xmllint, promtool and the judging programs take all it serves."""
import base64
import concurrent.futures
import json
import re
import sqlite3
import subprocess
import sys
import time

from rig import CAPTURES, Checks, Daemon, Workspace, wait_for
from upstream import Folder

PAGES, BLOCKS, JUDGES = CAPTURES / "pages", CAPTURES / "blocks", CAPTURES.parent / "checks"
sys.path.append(str(JUDGES))
import fidelity  # noqa: E402, found only there

FILES = {"rss": "rss.xml", "atom": "atom.xml", "json": "feed.json"}
NAME, CHANNEL = "tchantest", -1591537674
VIEW = re.compile(r'data-view="([^"]*)"')
POST = re.compile(r'data-post="(\w+)/(\d+)"')


def assembled():
    """One page of all the blocks, as if they were of one channel; a number that is taken already becomes a free one."""
    taken, blocks = set(), []
    for file in sorted(BLOCKS.glob("*.html")):
        text = file.read_text(encoding="utf-8")
        if not POST.search(text):
            continue
        for slug, number in POST.findall(text):
            free = int(number) if number not in taken else max(map(int, taken)) + 1
            taken.add(str(free))
            if free != int(number):
                text = re.sub(rf"\b{slug}/{number}\b", f"{slug}/{free}", text)
        text = POST.sub(rf'data-post="{NAME}/\2"', VIEW.sub(of_channel, text))
        if "tgme_widget_message_wrap" not in text:
            text = f'<div class="tgme_widget_message_wrap js-widget_message_wrap">{text}</div>'
        blocks.append(text)
    title = f'<div class="tgme_channel_info_header_title"><span dir="auto">{NAME}</span></div>'
    return (
        f'<!DOCTYPE html><html><head><meta property="og:title" content="{NAME}"></head><body>'
        f'<header class="tgme_header"><div class="tgme_channel_info">{title}</div></header>'
        f'<main class="tgme_main" data-url="/{NAME}"><section class="tgme_channel_history js-message_history">'
        f'{"".join(blocks)}</section></main></body></html>'
    )


def of_channel(match):
    view = json.loads(base64.urlsafe_b64decode(match[1] + "=" * (-len(match[1]) % 4)))
    text = json.dumps(view | {"c": CHANNEL}, separators=(",", ":"))
    return f'data-view="{base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")}"'


def judge(checks, daemon, truth, name, kind, directory):
    """One edition of one channel before everybody who judges editions."""
    url, file = f"{daemon.url}/{name}/{FILES[kind]}", directory / f"{name}.{kind}"
    file.write_bytes(daemon.get(f"/{name}/{FILES[kind]}")[2])
    found, wanted, foreign, _ = fidelity.score(truth, fidelity.items(file.read_text(encoding="utf-8")))
    for row, number in wanted.items():
        checks.equal(found[row], number, f"{url} keeps {row}")
    checks.equal(foreign, 0, f"{url} adds words that the page does not show")
    if kind == "json":
        checks.command([sys.executable, JUDGES / "json_feed.py", file], url)
    else:
        checks.command(["xmllint", "--noout", "--nonet", file], url)
        checks.command([sys.executable, JUDGES / "feed_rules.py", file], url)
    report = checks.command([sys.executable, JUDGES / "http_conformance.py", url], url)
    wrong = [line for line in report.splitlines() if line.startswith(("FAIL", "WARN"))]
    checks.equal(wrong, [], url)
    checks.that(report.count("PASS") > 60, f"{url} was probed by {report.count('PASS')} checks only")


def newsboat(checks, daemon, posts, kind, directory):
    """Every post of every feed is stored, and a later reload brings nothing. (It reads no JSON Feed.)"""
    urls = {f"{daemon.url}/{name}/{FILES[kind]}": count for name, count in posts.items()}
    (directory / "urls").write_text("\n".join(urls))
    (directory / "newsboat").write_text("reload-threads 4\n")
    command = ["newsboat", "-u", "urls", "-c", f"{kind}.db", "-C", "newsboat", "-x", "reload"]
    # Newsboat remembers a validator only of a feed that was there before the reload, so the third sends the first.
    for unmodified in (0, 0, len(posts)):
        before = daemon.answered(kind, 304)
        subprocess.run(command, cwd=directory, check=True, timeout=120)
        checks.equal(daemon.answered(kind, 304) - before, unmodified, f"304s of newsboat's reload of {kind}")
    stored = dict(sqlite3.connect(directory / f"{kind}.db").execute("select feedurl, count(*) from rss_item group by 1"))
    for url, count in urls.items():
        checks.equal(stored.get(url), count, f"posts of {url} that newsboat stored")


def posts_on(page):
    """Counted by the elements around them: two pages hold a post whose own number is missing."""
    return len(re.findall(r'class="tgme_widget_message[ "]', page))


def fill(directory):
    """Writes the pages to serve, the captured ones and one of all the blocks; their texts by name."""
    directory.mkdir()
    for file in PAGES.glob("*.html"):
        (directory / file.name).write_bytes(file.read_bytes())
    (directory / f"{NAME}.html").write_text(assembled(), encoding="utf-8")
    return {file.stem: file.read_text(encoding="utf-8") for file in sorted(directory.glob("*.html"))}


def main(directory):
    checks, began = Checks(), time.monotonic()
    pages = fill(directory / "pages")
    posts = {name: posts_on(page) for name, page in pages.items()}
    truths = {name: fidelity.truth(page) for name, page in pages.items()}
    # Asked once: everything after the first answers is served from the store. So far from the next poll, max-age
    # stands at its bound; nearer, two requests at either side of a minute have two.
    with Daemon(directory, [Folder(directory / "pages").url], pages, interval=86400, reactions=True) as daemon:
        wait_for("all pages are stored", lambda: total(daemon) == sum(posts.values()))
        for kind in ("rss", "atom"):
            newsboat(checks, daemon, posts, kind, directory)
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            runs = [
                pool.submit(judge, checks, daemon, truths[name], name, kind, directory)
                for name in pages for kind in FILES
            ]
            for run in runs:
                run.result()
        looked_at = [f"{daemon.url}/", *(f"{daemon.url}/{name}/" for name in pages)]
        checks.command([sys.executable, JUDGES / "autodiscovery.py", *looked_at], "autodiscovery")
        metrics = subprocess.run(
            ["promtool", "check", "metrics"], input=daemon.get("/metrics")[2], capture_output=True, timeout=60
        )
        checks.equal(metrics.stdout + metrics.stderr, b"", "promtool's remarks")
        checks.equal(daemon.stop(), 0, "exit code after SIGTERM")
    print(f"{len(pages)} pages, {sum(posts.values())} posts, {time.monotonic() - began:.0f} s")
    checks.end("captured pages")


def total(daemon):
    return json.loads(daemon.get("/health")[2])["store"]["posts"]


with Workspace() as workspace:
    main(workspace)
