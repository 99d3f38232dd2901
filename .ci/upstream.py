#!/usr/bin/env python3
"""The stand-in for t.me on loopback, for all drivers: how it shows a channel, and a server on a free port. Which posts
there are is each driver's own affair.

    upstream.py serve DIRECTORY     serves DIRECTORY/NAME.html as /s/NAME, and first prints its address
    upstream.py page NAME POSTS     prints the page of a channel with so many posts
"""
import base64
import collections
import datetime
import gzip
import html
import http.server
import json
import pathlib
import re
import socket
import ssl
import subprocess
import sys
import threading
import urllib.parse
import zlib

# How many ids one page spans.
PAGE_IDS = 20
BEGAN = datetime.datetime(2026, 3, 1, 12, tzinfo=datetime.timezone.utc)
EMPTY = '<div class="tgme_widget_message_wrap"><div class="tgme_widget_message_centered"><div class="tme_no_messages_found">No posts found</div></div></div>'
NOBODY = '<html><body class="tgme_body_wrap"><div class="tgme_page"><div class="tgme_page_icon"><i class="tgme_icon_user"></i></div><div class="tgme_page_description">If you have <strong>Telegram</strong>, you can contact <a class="tgme_username_link">@nobody</a> right away.</div></div></body></html>'
# Parts of a message with files at `url`: a picture at `url`.jpg, a film at .mp4 with its still at -still.jpg, a voice at .ogg.
PHOTO = '<a class="tgme_widget_message_photo_wrap 51{id} 12_34" href="https://t.me/{name}/{id}" style="width:450px;background-image:url(\'{url}.jpg\')"><div class="tgme_widget_message_photo" style="width:75%;padding-top:66%"></div></a>'
VIDEO = '<a class="tgme_widget_message_video_player js-message_video_player" href="https://t.me/{name}/{id}"><i class="tgme_widget_message_video_thumb" style="background-image:url(\'{url}-still.jpg\')"></i><div class="tgme_widget_message_video_wrap" style="width:640px;padding-top:56%"><video src="{url}.mp4" class="tgme_widget_message_video js-message_video"></video></div><time class="message_video_duration js-message_video_duration">0:27</time></a>'
VOICE = '<a class="tgme_widget_message_voice_player js-message_voice_player" href="https://t.me/{name}/{id}"><audio class="tgme_widget_message_voice js-message_voice" src="{url}.ogg" width="100%"></audio><time class="tgme_widget_message_voice_duration js-message_voice_duration">0:27</time></a>'


def text(words):
    """The text of a message, given as HTML."""
    return f'<div class="tgme_widget_message_text js-message_text" dir="auto">{words}</div>'


def block(name, channel, number, body, at=None):
    """A message; `channel` is the channel's own number, `at` an ISO 8601 time."""
    view = json.dumps({"c": -channel, "p": number, "t": 1, "h": "00"}, separators=(",", ":"))
    view = base64.urlsafe_b64encode(view.encode()).decode().rstrip("=")
    at = at or (BEGAN + datetime.timedelta(minutes=number)).isoformat()
    return (
        f'<div class="tgme_widget_message_wrap js-widget_message_wrap"><div class="tgme_widget_message js-widget_message" '
        f'data-post="{name}/{number}" data-view="{view}"><div class="tgme_widget_message_bubble">{body}'
        f'<div class="tgme_widget_message_footer"><div class="tgme_widget_message_info">'
        f'<span class="tgme_widget_message_meta"><a class="tgme_widget_message_date" href="https://t.me/{name}/{number}">'
        f'<time datetime="{at}" class="time">12:00</time></a></span></div></div></div></div></div>'
    )


def page(name, blocks, title=None, about="", photo="", older=None):
    """What /s/NAME shows. `older`: the number before which there is more; `photo`: the picture's address."""
    title = title or f"The {name} channel"
    photo = photo and f'<i class="tgme_page_photo_image"><img src="{photo}"></i>'
    about = about and f'<div class="tgme_channel_info_description">{about}</div>'
    more = f'<a href="/s/{name}?before={older}" class="tme_messages_more js-messages_more" data-before="{older}"></a>'
    return (
        f'<!DOCTYPE html><html><head><meta property="og:title" content="{title}"></head><body>'
        f'<header class="tgme_header"><div class="tgme_channel_info"><div class="tgme_channel_info_header">{photo}'
        f'<div class="tgme_channel_info_header_title"><span dir="auto">{title}</span></div></div>{about}</div></header>'
        f'<main class="tgme_main" data-url="/{name}"><section class="tgme_channel_history js-message_history">'
        f'{more if older else ""}{"".join(blocks) or EMPTY}</section></main></body></html>'
    )


def newest(posts, before=None):
    """The numbers of `posts` that one page shows, and the number before which there is more."""
    older = [number for number in posts if before is None or number < before]
    first = max(older, default=0) - PAGE_IDS + 1
    return sorted(number for number in older if number >= first), first if first > 1 else None


Answer = collections.namedtuple("Answer", "status body location", defaults=("", None))


class StandIn:
    """Serves what `answer` says of each path, and remembers who asked. `tls`, a server's `ssl.SSLContext`, makes it
    https; `name` is then what its certificate is for."""

    def __init__(self, address="127.0.0.1", tls=None, name=None):
        self.lock, self.peers = threading.Lock(), []
        self.server = (Six if ":" in address else Server)((address, 0), handler(self))
        if tls:
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        host = name or (f"[{address}]" if ":" in address else address)
        self.url = f"{'https' if tls else 'http'}://{host}:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, path):
        """Called by many threads."""
        raise NotImplementedError

    @property
    def asked(self):
        """How many requests there were."""
        return len(self.peers)


def handler(stand_in):
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            pass

        def do_GET(self):
            with stand_in.lock:
                stand_in.peers.append(self.client_address[0])
            answer = stand_in.answer(self.path)
            coded = "gzip" in self.headers.get("Accept-Encoding", "")
            body = gzip.compress(answer.body.encode()) if coded else answer.body.encode()
            self.send_response(answer.status)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Cache-Control", "no-store")
            if coded:
                self.send_header("Content-Encoding", "gzip")
            if answer.location:
                self.send_header("Location", answer.location)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return Handler


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, address):
        # Who asked may be gone by the time of the answer.
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, address)


class Six(Server):
    address_family = socket.AF_INET6


def asked_for(path):
    """The channel and the number of `?before=` that a path asks for."""
    found = re.fullmatch(r"/s/(\w+)(?:\?before=(\d+))?", path)
    return (found[1], int(found[2]) if found[2] else None) if found else (None, None)


class Upstream(StandIn):
    """Channels whose posts come and change as the driver wants it. Safe to change from any thread."""

    def __init__(self, channels, **where):
        self.numbers = {name: 1_000_000_001 + index for index, name in enumerate(channels)}
        self.posts = {name: {} for name in channels}
        super().__init__(**where)

    def post(self, name, words):
        """Publishes; the post's id."""
        with self.lock:
            posts = self.posts[name]
            posts[len(posts) + 1] = words
            return len(posts)

    def edit(self, name, number, words):
        with self.lock:
            self.posts[name][number] = words

    def texts(self, name):
        with self.lock:
            return dict(self.posts[name])

    def answer(self, path):
        name, before = asked_for(path)
        if name not in self.posts:
            return Answer(404)
        texts = self.texts(name)
        shown, older = newest(texts, before)
        blocks = [block(name, self.numbers[name], number, text(html.escape(texts[number]))) for number in shown]
        return Answer(200, page(name, blocks, older=older))


class Folder(StandIn):
    """DIRECTORY/NAME.html as /s/NAME, as it is at the moment. An older page is one without posts; a name without a file
    is redirected to a landing page of nobody."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        super().__init__()

    def answer(self, path):
        url = urllib.parse.urlsplit(path)
        name = url.path.removeprefix("/s/")
        if not url.path.startswith("/s/"):
            return Answer(200, NOBODY)
        file = next((f for f in self.directory.glob("*.html") if f.stem.lower() == name.lower()), None)
        if file is None:
            return Answer(302, location=f"https://t.me/{name}")
        return Answer(200, page(name, []) if "before=" in url.query else file.read_text(encoding="utf-8"))


def certificate(directory, name):
    """A new authority, and a server's context with a certificate of its making for the host or IPv4 address `name`."""
    def openssl(*words):
        subprocess.run(["openssl", *words], cwd=directory, check=True, capture_output=True)
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    openssl("req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=authority")
    kind = "IP" if name.replace(".", "").isdigit() else "DNS"
    (directory / "names").write_text(f"subjectAltName={kind}:{name}\n")
    openssl("req", *key, "-keyout", "server.key", "-out", "server.csr", "-subj", f"/CN={name}")
    openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
            "-out", "server.pem", "-days", "2", "-extfile", "names")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(directory / "server.pem", directory / "server.key")
    return directory / "ca.pem", context


def plain_page(name, posts):
    channel = 1_000_000_000 + zlib.crc32(name.encode()) % 1_000_000
    shown, _ = newest(range(1, posts + 1))
    return page(name, [block(name, channel, number, text(f"Soup number {number}")) for number in shown])


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["serve", directory]:
            print(Folder(directory).url, flush=True)
            threading.Event().wait()
        case ["page", name, posts]:
            print(plain_page(name, int(posts)))
        case _:
            sys.exit(__doc__)
