#!/usr/bin/env python3
"""page.py NAME POSTS prints a preview of the channel NAME with posts 1 to POSTS (the newest 20), as t.me would show it."""
import base64
import datetime
import json
import sys

NAME, POSTS = sys.argv[1], int(sys.argv[2])
CHANNEL = 1234567
BEGIN = datetime.datetime(2026, 3, 1, 12, 0, tzinfo=datetime.timezone.utc)


def block(number):
    view = base64.b64encode(json.dumps({"c": -CHANNEL, "p": number, "t": 1, "h": "00"}).encode()).decode()
    at = (BEGIN + datetime.timedelta(minutes=number)).isoformat()
    return f"""<div class="tgme_widget_message_wrap js-widget_message_wrap"><div class="tgme_widget_message text_not_supported_wrap js-widget_message" data-post="{NAME}/{number}" data-view="{view}"><div class="tgme_widget_message_bubble"><div class="tgme_widget_message_text js-message_text" dir="auto">Soup number {number}</div><div class="tgme_widget_message_footer compact js-message_footer"><div class="tgme_widget_message_info short js-message_info"><span class="tgme_widget_message_views">{number}</span><span class="tgme_widget_message_meta"><a class="tgme_widget_message_date" href="https://t.me/{NAME}/{number}"><time datetime="{at}" class="time">12:00</time></a></span></div></div></div></div></div>"""


print(f"""<!DOCTYPE html><html><head><title>{NAME}</title><meta property="og:title" content="The {NAME} channel"></head><body><header class="tgme_header"><div class="tgme_channel_info"><div class="tgme_channel_info_header_title"><span dir="auto">The {NAME} channel</span></div><div class="tgme_channel_info_description">About {NAME}</div></div></header><main class="tgme_main" data-url="/{NAME}"><section class="tgme_channel_history js-message_history">{"".join(block(number) for number in range(max(1, POSTS - 19), POSTS + 1))}</section></main></body></html>""")
