//! Message blocks around hand-written content, for the tests of the parser.
#![allow(dead_code, reason = "each test binary uses a part of it")]

use feedbridge::{
    model::Post,
    page::{self, Problem},
};

/// `{"c":-1234567,"p":7}`
pub const VIEW: &str = "eyJjIjotMTIzNDU2NywicCI6N30";

/// A bare block of the post kettle/7 with `content` in its bubble and `meta` beside its date.
pub fn block(content: &str, meta: &str) -> String {
    format!(
        r#"<div class="tgme_widget_message_wrap js-widget_message_wrap"><div class="tgme_widget_message text_not_supported_wrap js-widget_message" data-post="kettle/7" data-view="{VIEW}">
  <div class="tgme_widget_message_user"><a href="https://t.me/kettle"><i class="tgme_widget_message_user_photo bgcolor6" data-content="K"></i></a></div>
  <div class="tgme_widget_message_bubble">
    {content}
    <div class="tgme_widget_message_footer compact js-message_footer"><div class="tgme_widget_message_info short js-message_info">
      <span class="tgme_widget_message_voters">12</span><span class="copyonly"> voters</span><span class="tgme_widget_message_views">2</span><span class="copyonly"> views</span><span class="tgme_widget_message_meta">{meta}<a class="tgme_widget_message_date" href="https://t.me/kettle/7"><time datetime="2024-02-03T04:05:06+00:00" class="time">04:05</time></a></span>
    </div></div>
  </div>
</div></div>"#
    )
}

/// The one post of `html`, and what was not understood.
pub fn read(html: &str) -> (Post, Vec<Problem>) {
    let mut page = page::parse(html).expect("a list of posts");
    assert_eq!(page.posts.len(), 1, "{html}");
    (page.posts.remove(0), page.problems)
}

/// The post kettle/7 with `content`, in which everything is understood.
pub fn post(content: &str) -> Post {
    let (post, problems) = read(&block(content, ""));
    assert_eq!(problems, []);
    post
}

/// A text part's element around `text`.
pub fn text(text: &str) -> String {
    format!(r#"<div class="tgme_widget_message_text js-message_text" dir="auto">{text}</div>"#)
}
