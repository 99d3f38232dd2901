"""Real feed readers, each behind one method: read() makes it look at its feed and returns all that it holds, texts by id."""
import json
import mailbox
import os
import pathlib
import sqlite3
import subprocess
import urllib.error
import urllib.request

import feedparser
import reader

# What a client's own configuration says beyond its defaults: sfeed's manual tells how to ask conditionally.
SFEED = """sfeedpath="{directory}/feeds"
feeds() {{ feed one "{url}"; }}
fetch() {{ curl -sf --compressed --etag-compare "{directory}/etag" --etag-save "{directory}/etag" "$2"; }}
"""
RSS2EMAIL = """[DEFAULT]
to = me@example.org
from = feeds@example.org
force-from = True
email-protocol = maildir
maildir-path = {directory}/mail
maildir-mailbox = feeds
html-mail = True
"""


class Client:
    # Whether a changed post replaces the text of the one that it has.
    shows_edits = True
    # How many looks at an unchanged feed it takes until it asks with a validator.
    looks = 1

    def __init__(self, url, directory):
        self.url, self.directory = url, directory
        directory.mkdir()

    def run(self, *command, **more):
        ran = subprocess.run(command, cwd=self.directory, capture_output=True, timeout=60, **more)
        if ran.returncode:
            raise RuntimeError(f"{command}: {ran.returncode}: {ran.stdout[-500:]} {ran.stderr[-500:]}")
        return ran.stdout


class Newsboat(Client):
    # It remembers a validator only of a feed that was there before, and of a changed one.
    looks = 2

    def read(self):
        (self.directory / "urls").write_text(self.url)
        self.run("newsboat", "-u", "urls", "-c", "cache.db", "-C", "/dev/null", "-x", "reload")
        with sqlite3.connect(self.directory / "cache.db") as cache:
            return dict(cache.execute("select guid, content from rss_item"))


class Rss2email(Client):
    # A post is one letter; an edited one is not sent again, and must not be.
    shows_edits = False

    def read(self):
        config = self.directory / "config"
        command = ["r2e", "--config", str(config), "--data", str(self.directory / "data.json")]
        if not config.exists():
            config.write_text(RSS2EMAIL.format(directory=self.directory))
            (self.directory / "mail").mkdir()
            self.run(*command, "add", "one", self.url)
        self.run(*command, "run")
        letters = mailbox.Maildir(self.directory / "mail/feeds")
        return {letter["X-RSS-ID"] + f"#{key}": letter.as_string() for key, letter in letters.items()}


class Sfeed(Client):
    def read(self):
        (self.directory / "feeds").mkdir(exist_ok=True)
        (self.directory / "sfeedrc").write_text(SFEED.format(directory=self.directory, url=self.url))
        self.run("sfeed_update", str(self.directory / "sfeedrc"))
        items = {}
        for line in (self.directory / "feeds/one").read_text().splitlines():
            fields = line.split("\t")
            # A changed title makes another line of the same id.
            items[fields[5]] = items.get(fields[5], "") + fields[1] + fields[3]
        return items


class Feedparser(Client):
    etag = modified = None
    items = {}

    def read(self):
        found = feedparser.parse(self.url, etag=self.etag, modified=self.modified)
        if found.status != 304:
            if found.bozo:
                raise RuntimeError(f"feedparser: {found.bozo_exception}")
            self.etag, self.modified = found.get("etag"), found.get("modified")
            text = lambda entry: entry.content[0].value if "content" in entry else entry.get("summary", "")
            self.items = {entry.id: text(entry) for entry in found.entries}
        return self.items


class Reader(Client):
    def read(self):
        with reader.make_reader(str(self.directory / "reader.db")) as library:
            library.add_feed(self.url, exist_ok=True)
            library.update_feed(self.url)
            return {entry.id: getattr(entry.get_content(), "value", "") for entry in library.get_entries()}


class Library(Client):
    """A parser without a network of its own: the document is fetched for it, conditionally."""

    etag = None
    items = {}

    def read(self):
        request = urllib.request.Request(self.url, headers={"If-None-Match": self.etag} if self.etag else {})
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                self.etag = answer.headers["ETag"]
                self.items = json.loads(self.run(*self.command, input=answer.read()))
        except urllib.error.HTTPError as error:
            if error.code != 304:
                raise
        return self.items


class RssParser(Library):
    command = ["node", str(pathlib.Path(__file__).with_name("read_feed.mjs")), "rss-parser"]


class Feedsmith(Library):
    command = ["node", str(pathlib.Path(__file__).with_name("read_feed.mjs")), "feedsmith"]


class FeedRs(Library):
    command = [str(pathlib.Path(os.environ["FEEDBRIDGE"]).with_name("examples") / "read_feed")]


# Each with the formats that it can read.
ALL = {
    Newsboat: ("rss", "atom"),
    Rss2email: ("rss", "atom"),
    Sfeed: ("rss", "atom"),
    Feedparser: ("rss", "atom"),
    Reader: ("rss", "atom", "json"),
    RssParser: ("rss", "atom"),
    Feedsmith: ("rss", "atom", "json"),
    FeedRs: ("rss", "atom", "json"),
}
