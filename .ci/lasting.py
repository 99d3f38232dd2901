"""Files whose addresses die: python lasting.py [SECONDS [LIFE [POSTS [MODE]]]]

A host of files lets every address live for LIFE seconds. After SECONDS, in "cache", every file of every post is still to
be had, also of posts that are gone; in "redirect", every one of the posts that upstream still shows. Renewals stay within
the budget, and no feed's ETag has moved. MODE: that one alone."""
import http.server
import json
import random
import sys
import threading
import time
import urllib.error
import urllib.request

from rig import Checks, Daemon, Workspace, wait_for
from upstream import PHOTO, VIDEO, VOICE, Answer, Server, StandIn, asked_for, block, newest, page, text

SECONDS, LIFE, POSTS = [int(word) for word in sys.argv[1:4]] + [60, 6, 60][len(sys.argv) - 1:]
BUDGET = 600
NAMES = ["kettle", "spout", "lid"]
# Markup of a post, and the names of its files here.
KINDS = [(PHOTO, ["1.jpg"]), (VIDEO, ["1.mp4", "2.jpg"]), (VOICE, ["1.ogg"])]
BODIES = {"jpg": b"\xff\xd8\xff\xe0", "mp4": b"\0\0\0\x18ftypmp42", "ogg": b"OggS"}


class Files(http.server.BaseHTTPRequestHandler):
    """/BORN/NAME/ID.EXT, for as long as it lives."""
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        _, born, name, file = self.path.split("/")
        if time.monotonic() - float(born) > LIFE:
            self.send_error(404)
            return
        body = BODIES[file.rsplit(".", 1)[1]] + f" of {name}/{file}".encode() * 50
        asked = self.headers.get("Range", "").removeprefix("bytes=").split("-")
        part = body[int(asked[0]):int(asked[1]) + 1] if len(asked) == 2 else body
        self.send_response(206 if len(asked) == 2 else 200)
        if len(asked) == 2:
            self.send_header("Content-Range", f"bytes {asked[0]}-{int(asked[0]) + len(part) - 1}/{len(body)}")
        self.send_header("Content-Length", str(len(part)))
        self.end_headers()
        self.wfile.write(part)


class Channels(StandIn):
    """Every page has addresses born a moment ago."""

    def __init__(self, files):
        self.files = files
        self.posts = {name: {number: random.Random(f"{name}{number}").choice(KINDS) for number in range(1, POSTS // 3 + 1)}
                      for name in NAMES}
        self.renewals = []
        super().__init__()

    def shown(self, name, number):
        url = f"{self.files}/{time.monotonic():.3f}/{name}/{number}"
        markup = self.posts[name][number][0].format(name=name, id=number, url=url)
        return block(name, 1_000_000_000 + NAMES.index(name), number, markup + text(f"Post {number}"))

    def answer(self, path):
        name, before = asked_for(path)
        with self.lock:
            if name in self.posts:
                numbers, older = newest(self.posts[name], before)
                return Answer(200, page(name, [self.shown(name, number) for number in numbers], older=older))
            _, name, number = path.split("?")[0].split("/")
            self.renewals.append(time.monotonic())
            if int(number) in self.posts.get(name, ()):
                return Answer(200, f"<html><body>{self.shown(name, int(number))}</body></html>")
            return Answer(200, '<html><body><div class="tgme_widget_message_error">Post not found</div></body></html>')


class NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


OPENER = urllib.request.build_opener(NoRedirects)


def had(daemon, place, ending):
    """Whether the file is to be had there, wherever it leads."""
    url = f"{daemon.url}/media/{place}"
    for _ in range(2):
        try:
            with OPENER.open(url, timeout=20) as answer:
                return answer.read().startswith(BODIES[ending])
        except urllib.error.HTTPError as error:
            if error.code != 302:
                return False
            url = error.headers["Location"]
        except OSError:
            return False
    return False


def trial(checks, mode):
    server = Server(("127.0.0.1", 0), Files)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    upstream = Channels(f"http://127.0.0.1:{server.server_port}")
    everything = {(name, number): kind[1] for name in NAMES for number, kind in upstream.posts[name].items()}
    with Workspace() as directory:
        more = f'[media]\nmode = "{mode}"\nallow_private = true\n'
        with Daemon(directory, [upstream.url], [], interval=5, more=more) as daemon:
            daemon.stop()
            channels = "".join(f'[[channel]]\nname = "{name}"\nhistory = "all"\n' for name in NAMES)
            configuration = daemon.config.read_text().replace("requests_per_minute = 6000", f"requests_per_minute = {BUDGET}")
            daemon.config.write_text(configuration + channels)
            daemon.start()
            count = lambda: sum(channel["posts"] for channel in json.loads(daemon.get("/health")[2])["channels"])
            wait_for("all posts are stored", lambda: count() == len(everything), 120)
            if mode == "cache":
                files = sum(len(files) for files in everything.values())
                wait_for("the newest are kept", lambda: daemon.get("/metrics")[2].decode().count("fetched") > 0, 60)
                time.sleep(LIFE / 2)
                for name, number in everything:
                    for file in everything[name, number]:
                        had(daemon, f"{name}/{number}/{file}", file.split(".")[1])
            told = lambda name: [len(item["attachments"]) == json.dumps(item).count("size_in_bytes") for item in daemon.items(name)]
            wait_for("feeds tell the lengths of all files", lambda: all(all(told(name)) for name in NAMES), 60)
            tags = lambda: [daemon.get(f"/{name}/atom.xml")[1]["ETag"] for name in NAMES]
            def settled():
                """What was found out of older posts is written, too: every record of a channel moves the tags of its feeds."""
                before = tags()
                time.sleep(6)
                return tags() == before
            wait_for("all that was found out is written", settled, 120)
            before, began = tags(), time.monotonic()
            time.sleep(SECONDS)
            checks.equal(tags(), before, f"{mode}: tags of the feeds")
            with upstream.lock:
                gone = [(name, number) for name in NAMES for number in list(upstream.posts[name])[::7]]
                for name, number in gone if mode == "cache" else []:
                    del upstream.posts[name][number]
            missing = []
            for name, number in everything:
                for file in everything[name, number]:
                    place = f"{name}/{number}/{file}"
                    if not had(daemon, place, file.split(".")[1]):
                        missing.append(place)
            checks.equal(missing[:5], [], f"{mode}: of {len(missing)} files that are not to be had after {SECONDS} s")
            if mode == "redirect":
                checks.equal(tags(), before, f"{mode}: tags of the feeds, once the addresses were renewed")
            renewals = list(upstream.renewals)
            most = max((sum(at <= other < at + 60 for other in renewals) for at in renewals), default=0)
            checks.that(most <= BUDGET, f"{mode}: {most} renewals in a minute of {BUDGET}")
            files = sum(len(files) for files in everything.values())
            print(f"{mode}: {files} files of {len(everything)} posts are to be had after {time.monotonic() - began:.0f} s with "
                  f"addresses that live {LIFE} s; {len(renewals)} renewals, at most {most} in a minute of {BUDGET}")


if __name__ == "__main__":
    checks = Checks()
    for mode in sys.argv[4:] or ("cache", "redirect"):
        trial(checks, mode)
    checks.end("files that last")
