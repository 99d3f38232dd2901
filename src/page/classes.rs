//! The classes of a message: which of them are content, which only frame or adorn it.
//! From captures and from the widget's own stylesheet; a class that is missing here is reported as drift.
//! Knows names alone, no element tree.

/// What an element is, by its class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Holds parts of the post; loose text in it is content too.
    Content,
    /// Holds other elements that count; its own text is decoration.
    Frame,
    /// Nothing in it is of the post.
    Decoration,
    Text,
    Photo,
    ServicePhoto,
    Video,
    RoundVideo,
    Voice,
    Document,
    Sticker,
    Location,
    Contact,
    Poll,
    Preview,
    /// A piece of a card that the HTML parser moved out of it.
    PreviewPiece,
    Game,
    Invoice,
    Withheld,
    Forward,
    Reply,
    /// The quoted words, when the HTML parser moved them out of the reply.
    ReplyText,
    ViaBot,
    /// The person who wrote it, where the channel shows its writers.
    Author,
    Signature,
    Meta,
    Date,
    Voters,
    Reaction,
    Button,
}

const MESSAGE: &str = "tgme_widget_message_";

/// None for a class that is unknown or only modifies another.
pub(super) fn kind(class: &str) -> Option<Kind> {
    match class.strip_prefix(MESSAGE) {
        Some(name) => of_message(name),
        None => of_widget(class),
    }
}

fn of_message(name: &str) -> Option<Kind> {
    Some(match name {
        "bubble" | "grouped_wrap" | "grouped" | "grouped_layer" | "one_media" => Kind::Content,
        "wrap" | "user" | "author" | "footer" | "info" | "reactions" | "inline_keyboard" | "inline_row" => Kind::Frame,
        "bubble_tail"
        | "bubble_logo"
        | "user_photo"
        | "owner_name"
        | "owner_labels"
        | "author_labels"
        | "views"
        | "link"
        | "error"
        | "centered"
        | "action_btn"
        | "forwarded_from_labels"
        | "game_video_player"
        | "game_video_thumb"
        | "poll_option_radio"
        | "poll_option_radio_item"
        | "poll_votes"
        | "reply_date"
        | "reply_template"
        | "tgsticker_effect" => Kind::Decoration,
        "tgsticker_wrap" => Kind::Content,
        "author_name" => Kind::Author,
        "text" => Kind::Text,
        "photo_wrap" => Kind::Photo,
        "service_photo" => Kind::ServicePhoto,
        "video_player" => Kind::Video,
        "roundvideo_player" => Kind::RoundVideo,
        "voice_player" | "voice" => Kind::Voice,
        "document_wrap" => Kind::Document,
        "sticker_wrap" | "sticker" | "tgsticker" | "videosticker" => Kind::Sticker,
        "location_wrap" | "location" => Kind::Location,
        "contact_wrap" | "contact" => Kind::Contact,
        "poll" => Kind::Poll,
        "link_preview" => Kind::Preview,
        "game" => Kind::Game,
        "invoice" => Kind::Invoice,
        "forwarded_from" => Kind::Forward,
        "reply" => Kind::Reply,
        "metatext" => Kind::ReplyText,
        "via_bot" => Kind::ViaBot,
        "from_author" => Kind::Signature,
        "meta" => Kind::Meta,
        "date" => Kind::Date,
        "voters" => Kind::Voters,
        "inline_button" | "link_button" => Kind::Button,
        _ => return None,
    })
}

fn of_widget(class: &str) -> Option<Kind> {
    Some(match class {
        "media_supported_cont" => Kind::Content,
        "media_not_supported_cont"
        | "message_media_not_supported_wrap"
        | "message_media_not_supported"
        | "message_media_not_supported_label" => Kind::Withheld,
        "message_media_view_in_telegram" | "copyonly" | "verified-icon" | "bubble_icon" => Kind::Decoration,
        "tgme_widget_message" => Kind::Decoration,
        "tgme_reaction" => Kind::Reaction,
        "js-message_text" => Kind::Text,
        "js-message_reply_text" => Kind::ReplyText,
        _ if class.starts_with("link_preview_") => Kind::PreviewPiece,
        _ => return None,
    })
}

/// Classes inside a part, which the part's reader knows, in alphabetical order.
const INNER: [&str; 63] = [
    "contact_info",
    "contact_name",
    "contact_phone",
    "contact_photo",
    "document",
    "document_extra",
    "document_icon",
    "document_thumb",
    "document_title",
    "forwarded_from_author",
    "forwarded_from_name",
    "game_image",
    "game_image_wrap",
    "game_text",
    "game_title",
    "game_video",
    "game_video_wrap",
    "game_wrap",
    "inline_button_icon",
    "inline_button_text",
    "invoice_description",
    "invoice_image",
    "invoice_image_wrap",
    "invoice_label",
    "invoice_title",
    "invoice_total",
    "invoice_wrap",
    "link_button_text",
    "location_address",
    "location_info",
    "location_title",
    "photo",
    "poll_option",
    "poll_option_bar",
    "poll_option_correct",
    "poll_option_incorrect",
    "poll_option_percent",
    "poll_option_text",
    "poll_option_value",
    "poll_options",
    "poll_question",
    "poll_type",
    "reply_thumb",
    "roundvideo",
    "roundvideo_border",
    "roundvideo_duration",
    "roundvideo_muted",
    "roundvideo_play",
    "roundvideo_progress",
    "roundvideo_progress_wrap",
    "roundvideo_thumb",
    "roundvideo_wrap",
    "tgsticker_image",
    "video",
    "video_thumb",
    "video_wrap",
    "videosticker_video",
    "voice_duration",
    "voice_play",
    "voice_progress",
    "voice_progress_bg",
    "voice_progress_wrap",
    "voice_wrap",
];

const LINK_PREVIEW: [&str; 15] = [
    "author",
    "description",
    "embed",
    "embed_wrap",
    "image",
    "image_wrap",
    "right_image",
    "site_name",
    "title",
    "video",
    "video_duration",
    "video_player",
    "video_thumb",
    "video_wrap",
    "text",
];

/// Whether an element inside a part bears a class of the widget's own that nothing here knows.
pub(super) fn is_foreign_inside(class: &str) -> bool {
    if let Some(name) = class.strip_prefix(MESSAGE) {
        return of_message(name).is_none() && INNER.binary_search(&name).is_err();
    }
    if let Some(name) = class.strip_prefix("link_preview_") {
        return !LINK_PREVIEW.contains(&name);
    }
    (class.starts_with("tgme_") || class.starts_with("message_")) && kind(class).is_none() && !is_modifier(class)
}

/// Classes that change how something looks, or that scripts and browser extensions hang on to.
pub(super) fn is_modifier(class: &str) -> bool {
    const PREFIXES: [&str; 6] = ["js-", "bgcolor", "user-color-", "accent_", "icon-", "vsc-"];
    const WORDS: [&str; 37] = [
        "audio",
        "background",
        "bar",
        "blured",
        "compact",
        "default",
        "ellipsis",
        "emoji",
        "emoji_default",
        "emoji_image",
        "err_message",
        "flex_ellipsis",
        "force_userpic",
        "grouped_media",
        "grouped_media_helper",
        "grouped_media_wrap",
        "hidden",
        "icon",
        "label",
        "link_anchor",
        "message_video_duration",
        "message_video_play",
        "multiple",
        "no_bubble",
        "nodark",
        "not_supported",
        "roundvideo_media",
        "service_message",
        "service_message_photo",
        "short",
        "sticker_media",
        "stuck",
        "text_not_supported_wrap",
        "tgme_reaction_paid",
        "tgme_widget_service_strong_text",
        "time",
        "url_button",
    ];
    PREFIXES.iter().any(|prefix| class.starts_with(prefix))
        || class.bytes().all(|b| b.is_ascii_digit() || b == b'_')
        || WORDS.contains(&class)
}
