#!/usr/bin/env python3
"""A stand-in for t.me on loopback: standin.py PORT DIRECTORY serves DIRECTORY/NAME.html as /s/NAME.

An older page (?before=) is one without posts; a name without a file is redirected to a landing page of nobody.
"""
import gzip
import http.server
import pathlib
import sys
import urllib.parse

PORT, DIRECTORY = int(sys.argv[1]), pathlib.Path(sys.argv[2])
NOBODY = '<html><body class="tgme_body_wrap"><div class="tgme_page"><div class="tgme_page_icon"><i class="tgme_icon_user"></i></div><div class="tgme_page_description">If you have <strong>Telegram</strong>, you can contact <a class="tgme_username_link">@nobody</a> right away.</div></div></body></html>'
EMPTY = '<html><body><main class="tgme_main"><section class="tgme_channel_history js-message_history"><div class="tgme_widget_message_wrap"><div class="tgme_widget_message_centered"><div class="tme_no_messages_found">No posts found</div></div></div></section></main></body></html>'


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        name = url.path.removeprefix("/s/")
        page = next((f for f in DIRECTORY.glob("*.html") if f.stem.lower() == name.lower()), None)
        if not url.path.startswith("/s/"):
            self.answer(NOBODY)
        elif page is None:
            self.send_response(302)
            self.send_header("Location", f"https://t.me/{name}")
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            self.answer(EMPTY if "before=" in url.query else page.read_text(encoding="utf-8"))

    def answer(self, text):
        body = gzip.compress(text.encode())
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Cache-Control", "no-store")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


http.server.ThreadingHTTPServer(("127.0.0.1", PORT), Handler).serve_forever()
