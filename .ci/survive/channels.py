"""Channels that keep posting and editing: the history is a list of events, and a page shows the posts as they are after
so many of them. Knows nothing of the daemon."""
import datetime
import pathlib
import random
import sys

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent))
import upstream  # noqa: E402, found only there
from upstream import PAGE_IDS  # noqa: E402, F401, for the programs beside this one

START = 1_767_000_000


class Channel:
    """Events are (post, version); a post's text tells both, so that every revision can be told apart."""

    def __init__(self, name, number, seed, most=1 << 60):
        self.name, self.number, self.most = name, number, most
        self.random = random.Random(seed)
        self.events, self.shown, self.posts = [], 0, {}

    def grow(self):
        """Something happens upstream: nothing, a post or two, an edit of a post still on the page."""
        kind = self.random.random()
        newest = max((post for post, _ in self.events), default=0)
        if kind < 0.45 or newest == 0:
            for post in range(newest + 1, 1 + min(self.most, newest + self.random.choice((1, 1, 2)))):
                self.events.append((post, 1))
        elif kind < 0.7:
            post = self.random.randint(max(1, newest - 8), newest)
            version = 1 + max(v for p, v in self.events if p == post)
            self.events.append((post, version))

    def advance(self, events):
        for post, version in self.events[self.shown:events]:
            self.posts[post] = version
        self.shown = max(self.shown, min(events, len(self.events)))

    def page(self, before=None):
        shown, older = upstream.newest(self.posts, before)
        blocks = [
            upstream.block(self.name, self.number, post, upstream.text(text(post, self.posts[post])), stamp(post))
            for post in shown
        ]
        return upstream.page(self.name, blocks, older=older)


def text(post, version):
    return f"Post {post} version {version}. " + "And what more there is to say. " * (7 + post % 40)


def stamp(post):
    return datetime.datetime.fromtimestamp(START + post * 60, datetime.timezone.utc).isoformat()


class StandIn(upstream.StandIn):
    """`growing`: every look at a channel is after something may have happened. `silent`: nobody gets a page."""

    def __init__(self, channels):
        self.channels = {channel.name: channel for channel in channels}
        self.growing, self.silent = True, False
        super().__init__()

    def answer(self, path):
        name, before = upstream.asked_for(path)
        channel = self.channels.get(name)
        with self.lock:
            if self.silent:
                return upstream.Answer(500, "later")
            if channel is None:
                return upstream.Answer(404, "nobody")
            if before is None and self.growing:
                for _ in range(channel.random.randint(1, 4)):
                    channel.grow()
                channel.advance(len(channel.events))
            return upstream.Answer(200, channel.page(before))
