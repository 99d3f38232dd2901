"""A stand-in for t.me whose channels keep posting and editing: the history is a list of events, and a page shows
the posts as they are after so many of them. Knows nothing of the daemon."""
import base64
import http.server
import json
import random
import threading
import urllib.parse

PAGE_IDS = 20
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
        end = before or 1 << 60
        newest = max((post for post in self.posts if post < end), default=0)
        first = newest - PAGE_IDS + 1
        shown = sorted(post for post in self.posts if first <= post < end)
        older = f'<a href="/s/{self.name}?before={first}" class="tme_messages_more js-messages_more" data-before="{first}"></a>'
        blocks = "".join(self.block(post) for post in shown) or EMPTY
        return PAGE.format(name=self.name, older=older if first > 1 else "", blocks=blocks)

    def block(self, post):
        view = base64.urlsafe_b64encode(json.dumps({"c": -self.number, "p": post, "t": 1, "h": "00"}).encode())
        return BLOCK.format(name=self.name, post=post, view=view.decode().rstrip("="),
                            text=text(post, self.posts[post]), at=stamp(post))


def text(post, version):
    return f"Post {post} version {version}. " + "And what more there is to say. " * (7 + post % 40)


def stamp(post):
    import datetime
    return datetime.datetime.fromtimestamp(START + post * 60, datetime.timezone.utc).isoformat()


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        """The daemon was killed while it asked."""


class StandIn:
    """Serves channels on a port of its own. `growing`: every look at a channel is after something may have happened.
    `silent`: nobody gets a page."""

    def __init__(self, channels):
        self.channels = {channel.name: channel for channel in channels}
        self.growing, self.silent, self.asked = True, False, 0
        self.lock = threading.Lock()
        stand_in = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_GET(self):
                status, body = stand_in.answer(self.path)
                self.send_response(status)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        self.server = Server(("127.0.0.1", 0), Handler)
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, path):
        url = urllib.parse.urlsplit(path)
        before = urllib.parse.parse_qs(url.query).get("before")
        channel = self.channels.get(url.path.removeprefix("/s/"))
        with self.lock:
            self.asked += 1
            if self.silent:
                return 500, b"later"
            if channel is None:
                return 404, b"nobody"
            if before is None and self.growing:
                for _ in range(channel.random.randint(1, 4)):
                    channel.grow()
                channel.advance(len(channel.events))
            return 200, channel.page(int(before[0]) if before else None).encode()


EMPTY = '<div class="tgme_widget_message_wrap"><div class="tgme_widget_message_centered"><div class="tme_no_messages_found">No posts found</div></div></div>'
PAGE = '<!DOCTYPE html><html><head><meta property="og:title" content="{name}"></head><body><div class="tgme_channel_info"><div class="tgme_channel_info_header_title"><span dir="auto">{name}</span></div></div><main class="tgme_main" data-url="/{name}"><section class="tgme_channel_history js-message_history">{older}{blocks}</section></main></body></html>'
BLOCK = '<div class="tgme_widget_message_wrap js-widget_message_wrap"><div class="tgme_widget_message js-widget_message" data-post="{name}/{post}" data-view="{view}"><div class="tgme_widget_message_bubble"><div class="tgme_widget_message_text js-message_text" dir="auto">{text}</div><div class="tgme_widget_message_footer"><div class="tgme_widget_message_info"><span class="tgme_widget_message_meta"><a class="tgme_widget_message_date" href="https://t.me/{name}/{post}"><time datetime="{at}" class="time">12:00</time></a></span></div></div></div></div></div>'
