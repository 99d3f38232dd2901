#!/usr/bin/env python3
"""write.py DIRECTORY writes hand-made preview pages of channels into DIRECTORY, for .ci/upstream.py to serve:
one of thirty posts of several kinds, one written from right to left, and one of three posts."""
import datetime
import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent))
import upstream  # noqa: E402, found only there

DIRECTORY = pathlib.Path(sys.argv[1])
NOW = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
PHOTO = '<a class="tgme_widget_message_photo_wrap 5100000000000000001 12_34" href="https://t.me/{name}/{id}" style="width:450px;background-image:url(\'https://cdn.example/photo.jpg\')"><div class="tgme_widget_message_photo" style="width:75%;padding-top:66%"></div></a>'
VIDEO = '<a class="tgme_widget_message_video_player js-message_video_player" href="https://t.me/{name}/{id}"><i class="tgme_widget_message_video_thumb" style="background-image:url(\'https://cdn.example/poster.jpg\')"></i><div class="tgme_widget_message_video_wrap" style="width:640px;padding-top:56%"><video src="https://cdn.example/film.mp4" class="tgme_widget_message_video js-message_video"></video></div><div class="message_video_play js-message_video_play"></div><time class="message_video_duration js-message_video_duration">0:27</time></a>'
LATIN = [
    'The kettle boils. <b>Slowly</b>, but it boils: <a href="https://example.org/a-rather-long-address-that-has-to-wrap-somewhere-on-a-narrow-screen">https://example.org/a-rather-long-address-that-has-to-wrap-somewhere-on-a-narrow-screen</a>',
    'A recipe <a href="?q=%23tea">#tea</a><br/><br/><pre>let water = boil(kettle).await?; let tea = steep(water, Leaves::Assam, Duration::from_secs(240)).await?;</pre>',
    '<blockquote>Tea is quiet.</blockquote>And so are we. <tg-spoiler>It was the milk.</tg-spoiler> <a href="?q=%23quotes">#quotes</a>',
]
HEBREW = ['הקומקום רותח. לאט, אבל רותח.<br/>שורה שנייה <a href="?q=%23%D7%AA%D7%94">#תה</a>', 'תה הוא דבר שקט. <b>מאוד</b>.']


def page(name, title, about, channel, texts, count):
    blocks = []
    for number in range(1, count + 1):
        media = {1: PHOTO, 4: VIDEO}.get(number % 6, "").format(name=name, id=number)
        at = (NOW - datetime.timedelta(hours=17 * (count - number))).isoformat()
        body = media + upstream.text(texts[number % len(texts)])
        blocks.append(upstream.block(name, channel, number, body, at))
    return upstream.page(name, blocks, title, about, "https://cdn.example/avatar.jpg")


DIRECTORY.mkdir(parents=True, exist_ok=True)
(DIRECTORY / "kettle.html").write_text(page("kettle", "Kettle & Co", "Tea, and what goes with it", 1234567, LATIN, 30), encoding="utf-8")
(DIRECTORY / "kumkum.html").write_text(page("kumkum", "קומקום", "תה ומה שהולך איתו", 7654321, HEBREW, 5), encoding="utf-8")
(DIRECTORY / "teapot.html").write_text(page("teapot", "The teapot", "Nobody follows it yet", 2345678, LATIN, 3), encoding="utf-8")
