#!/usr/bin/env python3
"""A channel of voices as a podcast: a real parser reads it, and what it names is fetched and measured, first as Telegram
has it, then as M4A."""
import functools
import http.server
import json
import os
import re
import subprocess
import threading
import uuid
import xml.etree.ElementTree

from rig import Checks, Daemon, Workspace, wait_for
from upstream import Answer, Server, StandIn, asked_for, block, page, text

NAME, SECONDS = "kettle", {1: 95, 4: 7}
CHAPTERS = [(0, "Cold water"), (30, "Steam"), (80, "Tea & milk")]
VOICE = ('<a class="tgme_widget_message_voice_player js-message_voice_player" href="https://t.me/{name}/{id}">'
         '<audio class="tgme_widget_message_voice js-message_voice" src="{url}"></audio><time class="'
         'tgme_widget_message_voice_duration js-message_voice_duration">{minutes}:{seconds:02}</time></a>')
MUSIC = ('<a class="tgme_widget_message_document_wrap" href="https://t.me/{name}/{id}"><div class="'
         'tgme_widget_message_document_icon accent_bg audio"></div><div class="tgme_widget_message_document"><div class="'
         'tgme_widget_message_document_title" dir="auto">Steam</div><div class="tgme_widget_message_document_extra" '
         'dir="auto">The Whistles</div></div></a>')
ITUNES = "{http://www.itunes.com/dtds/podcast-1.0.dtd}"
ATOM = "{http://www.w3.org/2005/Atom}"


class Files(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


class Channel(StandIn):
    def __init__(self, folder):
        self.files = Server(("127.0.0.1", 0), functools.partial(Files, directory=folder))
        threading.Thread(target=self.files.serve_forever, daemon=True).start()
        self.base = f"http://127.0.0.1:{self.files.server_port}"
        super().__init__()

    def voice(self, number):
        minutes, seconds = divmod(SECONDS[number], 60)
        url = f"{self.base}/{number}.ogg"
        return VOICE.format(name=NAME, id=number, url=url, minutes=minutes, seconds=seconds)

    def answer(self, path):
        name, before = asked_for(path)
        if name != NAME:
            return Answer(404)
        listed = "<br/>".join(f"{at // 60}:{at % 60:02} – {title.replace('&', '&amp;')}" for at, title in CHAPTERS)
        bodies = {
            1: self.voice(1) + text(f"On kettles<br/>{listed}"),
            2: text("Words alone"),
            3: MUSIC.format(name=NAME, id=3) + text("A song"),
            4: self.voice(4),
        }
        blocks = [block(NAME, 1_000_000_001, number, body) for number, body in bodies.items()]
        return Answer(200, page(NAME, [] if before else blocks, photo=f"{self.base}/photo.jpg"))


def ffmpeg(*words):
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-f", "lavfi", *words], check=True)


def record(folder):
    folder.mkdir()
    for number, seconds in SECONDS.items():
        tone = f"sine=frequency={220 * number}:duration={seconds}:sample_rate=48000"
        ffmpeg("-i", tone, "-c:a", "libopus", "-b:a", "24k", str(folder / f"{number}.ogg"))
    ffmpeg("-i", "color=teal:size=320x320", "-frames:v", "1", str(folder / "photo.jpg"))


def measured(path):
    """Codec and length in seconds, as ffprobe says."""
    words = ["ffprobe", "-v", "error", "-of", "json", "-show_entries", "format=duration:stream=codec_name", path]
    said = json.loads(subprocess.run(words, capture_output=True, check=True).stdout)
    return said["streams"][0]["codec_name"], float(said["format"]["duration"])


def parsed(document):
    words = ["node", str(os.path.join(os.path.dirname(__file__), "read_podcast.mjs"))]
    return json.loads(subprocess.run(words, input=document, capture_output=True, check=True).stdout)


def rules(checks, document, url):
    """Those of the W3C's validator for RSS with Apple's elements, as far as they go beyond what was parsed."""
    root = xml.etree.ElementTree.fromstring(document)
    channel = root.find("channel")
    text_of = lambda name: channel.findtext(ITUNES + name)
    checks.equal((text_of("explicit"), text_of("type"), channel.findtext("language")), ("false", "episodic", "en"), "channel")
    checks.equal([category.get("text") for category in channel.findall(ITUNES + "category")], ["Society & Culture"], "category")
    links = [link.get("href") for link in channel.findall(ATOM + "link") if link.get("rel") == "self"]
    checks.equal(links, [url], "atom:link to itself")
    for element in [channel, *channel.findall("item")]:
        names = [child.tag for child in element if child.tag.startswith(ITUNES) or child.tag in ("enclosure", "guid", "title")]
        checks.equal(sorted(names), sorted(set(names)), "elements that may be there once")
        for image in element.findall(ITUNES + "image"):
            checks.that(image.get("href").startswith("http"), "the address of an itunes:image")
    for item in channel.findall("item"):
        duration, enclosure = item.findtext(ITUNES + "duration"), item.find("enclosure")
        checks.that(duration is None or re.fullmatch(r"\d+(:[0-5]\d){0,2}", duration), f"itunes:duration {duration}")
        checks.that(enclosure is None or int(enclosure.get("length")) > 0, "the length of an enclosure")
    return {item.findtext("guid"): item for item in channel.findall("item")}


def look(checks, directory, daemon, ending, codec, mime):
    path = f"/{NAME}/podcast.xml"
    def is_there():
        status, headers, body = daemon.get(path)
        lengths = re.findall(rb'<enclosure url="[^"]*\.' + ending.encode() + rb'" length="([1-9]\d*)"', body)
        return (headers, body) if len(lengths) == len(SECONDS) else None
    headers, document = wait_for(f"a podcast of {ending}", is_there, 60)
    checks.equal(daemon.get(path, **{"If-None-Match": headers["ETag"]})[0], 304, "asked again")
    feed = parsed(document)
    guid = str(uuid.uuid5(uuid.UUID("ead4c236-bf58-58c6-a2c6-a6b28d128cb6"), f"t.me/{NAME}"))
    checks.equal((feed["guid"], feed["medium"], feed["itunesType"]), (guid, "podcast", "episodic"), "the podcast")
    checks.equal(feed["itunesCategory"], ["Society & Culture"], "its category")
    checks.equal(daemon.get(feed["itunesImage"].removeprefix(daemon.url))[0], 200, "its picture")
    episodes = {int(item["guid"].rsplit("/", 1)[1]): item for item in feed["items"]}
    checks.equal(sorted(episodes), sorted(SECONDS), "episodes")
    for number, seconds in SECONDS.items():
        episode, who = episodes[number], f"episode {number} as {ending}"
        enclosure = episode["enclosure"]
        checks.equal((episode["duration"], enclosure["type"]), (seconds, mime), who)
        status, headers, sound = daemon.get(enclosure["url"].removeprefix(daemon.url))
        checks.equal((status, len(sound), headers["Content-Type"]), (200, enclosure["length"], mime), f"{who}: its file")
        file = directory / f"{number}.{ending}"
        file.write_bytes(sound)
        found, length = measured(file)
        checks.equal(found, codec, f"{who}: codec")
        checks.that(abs(length - seconds) < 0.2, f"{who}: is {length} seconds long, not {seconds}")
    url = episodes[1]["podcastChapters"]["url"]
    checks.equal(episodes[1]["podcastChapters"]["type"], "application/json+chapters", "type of chapters")
    checks.that("podcastChapters" not in episodes[4], "chapters where none are listed")
    status, headers, body = daemon.get(url.removeprefix(daemon.url))
    checks.equal((status, headers["Content-Type"]), (200, "application/json+chapters"), "chapters")
    wanted = [{"startTime": at, "title": title} for at, title in CHAPTERS]
    checks.equal(json.loads(body), {"version": "1.2.0", "chapters": wanted}, "chapters")
    items = rules(checks, document, daemon.url + path)
    music = items[f"https://t.me/{NAME}/3"]
    checks.that(music.find("enclosure") is None, "music has no enclosure")
    content = music.findtext("{http://purl.org/rss/1.0/modules/content/}encoded")
    checks.that("Listen in Telegram" in content, "music says where it is heard")
    checks.equal(len(items), 3, "items")


def main(directory):
    checks = Checks()
    record(directory / "files")
    upstream = Channel(str(directory / "files"))
    more = '[media]\nmode = "cache"\nallow_private = true\n'
    with Daemon(directory, [upstream.url], [NAME], more=more, labels="english") as daemon:
        look(checks, directory, daemon, "ogg", "opus", "audio/ogg")
        checks.that(b'href="./podcast.xml"' in daemon.get(f"/{NAME}/")[2], "the channel's page offers the podcast")
    with Daemon(directory, [upstream.url], [NAME], more=more + "transcode = true\n", labels="english") as daemon:
        checks.that("M4A is made of voices by ffmpeg" in daemon.command("check").stdout, "check names ffmpeg")
        look(checks, directory, daemon, "m4a", "aac", "audio/x-m4a")
    checks.end("a podcast")


with Workspace() as workspace:
    main(workspace)
