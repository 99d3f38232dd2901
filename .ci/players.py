#!/usr/bin/env python3
"""A film, a voice, a silent film and an album that are kept: with upstream gone, Chromium plays them from the channel's
page, also on a telephone and without scripts, and podboat fetches what newsboat finds enclosed. MODULES are Chromium's
driver for Node."""
import functools
import hashlib
import http.server
import json
import os
import pathlib
import pty
import subprocess
import sys
import threading

from rig import ROOT, Checks, Daemon, Workspace, wait_for
from upstream import VIDEO, VOICE, Answer, Server, StandIn, asked_for, block, page, text

NAME = "kettle"
FILM_SECONDS, PICTURES = 70, 4
# A film and a silent one, each with a still; a voice, the album and the channel's picture.
FILES = 6 + PICTURES
ALBUM = ('<div class="tgme_widget_message_grouped_wrap"><div class="tgme_widget_message_grouped"><div class="'
         'tgme_widget_message_grouped_layer">{}</div></div></div>')
OF_ALBUM = ('<a class="tgme_widget_message_photo_wrap grouped_media_wrap 51{id}" style="width:227px;height:169px;'
            'background-image:url(\'{url}.jpg\')" data-ratio="1.33" href="https://t.me/{name}/{id}?single"><div class="'
            'grouped_media_helper"><div class="tgme_widget_message_photo grouped_media"></div></div></a>')
LOOP = ('<a class="tgme_widget_message_video_player" href="https://t.me/{name}/{id}"><i class="'
        'tgme_widget_message_video_thumb" style="background-image:url(\'{url}-still.jpg\')"></i><div class="'
        'tgme_widget_message_video_wrap" style="width:320px;padding-top:75%"><video src="{url}.mp4" class="'
        'tgme_widget_message_video js-message_video" autoplay loop muted></video></div></a>')


class Files(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


class Channel(StandIn):
    def __init__(self, folder):
        self.files = Server(("127.0.0.1", 0), functools.partial(Files, directory=folder))
        threading.Thread(target=self.files.serve_forever, daemon=True).start()
        super().__init__()

    def answer(self, path):
        name, before = asked_for(path)
        if name != NAME:
            return Answer(404)
        shown = lambda markup, number: markup.format(name=NAME, id=number, url=f"http://127.0.0.1:{self.files.server_port}/{number}")
        album = "".join(shown(OF_ALBUM, number) for number in range(4, 4 + PICTURES))
        bodies = {1: shown(VIDEO, 1) + text("A film"), 2: shown(VOICE, 2) + text("A voice"), 3: shown(LOOP, 3),
                  4: ALBUM.format(album) + text("Four")}
        blocks = [block(NAME, 1_000_000_001, number, body) for number, body in bodies.items()]
        return Answer(200, page(NAME, [] if before else blocks, photo=f"http://127.0.0.1:{self.files.server_port}/face.jpg"))

    def end(self):
        for server in (self.files, self.server):
            server.shutdown()
            server.server_close()


def ffmpeg(*words):
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", *map(str, words)], check=True)


def record(folder):
    folder.mkdir()
    moving = lambda size, seconds: ["-f", "lavfi", "-i", f"testsrc2=size={size}:rate=25:duration={seconds}"]
    tone = lambda seconds: ["-f", "lavfi", "-i", f"sine=frequency=330:duration={seconds}:sample_rate=48000"]
    coded = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-movflags", "+faststart"]
    ffmpeg(*moving("640x360", FILM_SECONDS), *tone(FILM_SECONDS), *coded, "-b:v", "600k", "-c:a", "aac", folder / "1.mp4")
    ffmpeg(*tone(20), "-c:a", "libopus", "-b:a", "24k", folder / "2.ogg")
    ffmpeg(*moving("320x240", 4), *coded, folder / "3.mp4")
    for number in range(4, 4 + PICTURES):
        ffmpeg("-f", "lavfi", "-i", f"testsrc2=size={400 + 10 * number}x300", "-frames:v", 1, folder / f"{number}.jpg")
    ffmpeg("-f", "lavfi", "-i", "testsrc2=size=160x160", "-frames:v", 1, folder / "face.jpg")
    for number in (1, 3):
        ffmpeg("-i", folder / f"{number}.mp4", "-frames:v", 1, folder / f"{number}-still.jpg")


def download(directory, url):
    """What podboat has fetched of the feed that newsboat subscribes to: digests of files."""
    directory.mkdir()
    (directory / "urls").write_text(url)
    # As README says: it would name files by the end of their addresses alone.
    named = 'download-filename-format "%F-%H%M%S-%u"'
    (directory / "config").write_text(f'podcast-auto-enqueue yes\ndownload-path "{directory}/got/"\nmax-downloads 2\n{named}\n')
    own = {**os.environ, "HOME": str(directory), "TERM": "xterm"}
    files = ["-C", directory / "config", "-q", directory / "queue"]
    newsboat = ["newsboat", "-u", directory / "urls", "-c", directory / "cache.db", *files[:2], "-x", "reload"]
    (directory / ".newsboat").mkdir()
    subprocess.run(newsboat, env=own, check=True, timeout=60, capture_output=True)
    queue = directory / ".newsboat/queue"
    screen, its_own = pty.openpty()
    podboat = subprocess.Popen(["podboat", *files[:2], "-q", queue, "-a"], env=own, stdin=its_own, stdout=its_own, stderr=its_own)
    threading.Thread(target=lambda: drain(screen), daemon=True).start()
    wanted = len(queue.read_text().split("\n")) - 1
    got = lambda: [path for path in (directory / "got").rglob("*") if path.is_file() and path.suffix != ".part"]
    try:
        wait_for(f"podboat has {wanted} files", lambda: wanted and len(got()) == wanted, 30)
    finally:
        podboat.terminate()
        podboat.wait(20)
    return {hashlib.sha256(path.read_bytes()).hexdigest() for path in got()}


def drain(screen):
    try:
        while os.read(screen, 4096):
            pass
    except OSError:
        pass


def main(directory, modules):
    checks, made = Checks(), directory / "made"
    record(made)
    checks.that((made / "1.mp4").stat().st_size > 3_000_000, "the film is longer than 3 MB")
    upstream = Channel(made)
    more = '[media]\nmode = "cache"\nallow_private = true\n'
    with Daemon(directory, [upstream.url], [NAME], interval=600, more=more) as daemon:
        told = lambda: [item for item in daemon.items(NAME) if all("size_in_bytes" in file for file in item["attachments"])]
        wait_for("all lengths are told", lambda: len(told()) == 4, 60)
        kept = lambda: json.loads(daemon.get("/health")[2])["media"]["files"] == FILES
        wait_for("all files are kept", kept, 30)
        upstream.end()
        for kind in ("atom.xml", "rss.xml"):
            got = download(directory / kind, f"{daemon.url}/{NAME}/{kind}")
            for file in ("1.mp4", "2.ogg"):
                wanted = hashlib.sha256((made / file).read_bytes()).hexdigest()
                checks.that(wanted in got, f"podboat fetched {file} of {kind}")
        played = ["node", ROOT / ".ci/pages/play.mjs", f"{daemon.url}/{NAME}/", modules]
        print("Chromium:", checks.command(played, "Chromium plays what is kept").strip())
    checks.end("players and podcatchers")


with Workspace() as workspace:
    main(workspace, pathlib.Path(sys.argv[1]).resolve())
