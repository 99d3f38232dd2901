"""A scripted stand-in for t.me on loopback, in the driver's own process: channels whose posts come and change."""
import base64
import datetime
import html
import http.server
import json
import re
import socket
import sys
import threading

# How many ids one page spans.
PAGE_IDS = 20
BEGAN = datetime.datetime(2026, 3, 1, 12, tzinfo=datetime.timezone.utc)


class Upstream:
    """Serves /s/NAME and its older pages, and remembers who asked. Safe to change from any thread. `tls`, a server's
    `ssl.SSLContext`, makes it https; `name` is then what its certificate is for."""

    def __init__(self, channels, address="127.0.0.1", tls=None, name=None):
        self.lock = threading.Lock()
        self.peers = []
        self.numbers = {name: 1_000_000_001 + index for index, name in enumerate(channels)}
        self.posts = {name: {} for name in channels}
        self.server = (Six if ":" in address else Server)((address, 0), self.handler())
        if tls:
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        host = name or (f"[{address}]" if ":" in address else address)
        self.url = f"{'https' if tls else 'http'}://{host}:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def post(self, name, text):
        """Publishes; the post's id."""
        with self.lock:
            posts = self.posts[name]
            posts[len(posts) + 1] = text
            return len(posts)

    def edit(self, name, number, text):
        with self.lock:
            self.posts[name][number] = text

    def texts(self, name):
        with self.lock:
            return dict(self.posts[name])

    def page(self, name, before):
        posts = {number: text for number, text in self.texts(name).items() if before is None or number < before}
        start = max(posts, default=0) - PAGE_IDS + 1
        blocks = "".join(block(name, self.numbers[name], n, text) for n, text in posts.items() if n >= start)
        more = f'<a href="/s/{name}?before={start}" class="tme_messages_more js-messages_more" data-before="{start}"></a>'
        none = '<div class="tgme_widget_message_wrap"><div class="tme_no_messages_found">No posts found</div></div>'
        return (
            f'<!DOCTYPE html><html><head><meta property="og:title" content="{name}"></head><body>'
            f'<header class="tgme_header"><div class="tgme_channel_info"><div class="tgme_channel_info_header_title">'
            f'<span dir="auto">The {name} channel</span></div></div></header><main class="tgme_main" data-url="/{name}">'
            f'<section class="tgme_channel_history js-message_history">{more if start > 1 else ""}{blocks or none}'
            "</section></main></body></html>"
        )

    def handler(self):
        upstream = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_GET(self):
                with upstream.lock:
                    upstream.peers.append(self.client_address[0])
                asked = re.fullmatch(r"/s/(\w+)(?:\?before=(\d+))?", self.path)
                known = asked and asked[1] in upstream.posts
                before = int(asked[2]) if known and asked[2] else None
                body = upstream.page(asked[1], before).encode() if known else b""
                self.send_response(200 if known else 404)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Cache-Control", "no-store")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        return Handler


class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, request, address):
        # Who asked may be gone by the time of the answer.
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, address)


class Six(Server):
    address_family = socket.AF_INET6


def block(name, channel, number, text):
    view = json.dumps({"c": -channel, "p": number, "t": 1, "h": "00"}, separators=(",", ":"))
    view = base64.urlsafe_b64encode(view.encode()).decode().rstrip("=")
    at = (BEGAN + datetime.timedelta(minutes=number)).isoformat()
    return (
        f'<div class="tgme_widget_message_wrap js-widget_message_wrap"><div class="tgme_widget_message js-widget_message" '
        f'data-post="{name}/{number}" data-view="{view}"><div class="tgme_widget_message_bubble">'
        f'<div class="tgme_widget_message_text js-message_text" dir="auto">{html.escape(text)}</div>'
        f'<div class="tgme_widget_message_footer"><div class="tgme_widget_message_info">'
        f'<span class="tgme_widget_message_meta"><a class="tgme_widget_message_date" href="https://t.me/{name}/{number}">'
        f'<time datetime="{at}" class="time">12:00</time></a></span></div></div></div></div></div>'
    )
