//! The few CSS declarations that carry facts: a background picture and the size of a frame.
//! Knows nothing of what the frame shows.

use scraper::ElementRef;

use super::element;

/// The largest side of a picture, in pixels, that is believed.
const LARGEST_SIDE: f64 = 20_000.0;

/// The address in `background-image: url(…)`, as written.
pub(super) fn background<'a>(element: ElementRef<'a>) -> Option<&'a str> {
    let style = element.attr("style")?;
    let (_, value) = style.split_once("background-image")?;
    let (_, value) = value.split_once("url(")?;
    let value = value.trim_start();
    let address = match value.chars().next()? {
        quote @ ('\'' | '"') => value[1..].split(quote).next()?,
        _ => value.split(')').next()?,
    };
    Some(address.trim()).filter(|address| !address.is_empty())
}

fn declaration<'a>(element: ElementRef<'a>, property: &str) -> Option<&'a str> {
    element.attr("style")?.split(';').find_map(|declaration| {
        let (name, value) = declaration.split_once(':')?;
        (name.trim() == property).then(|| value.trim())
    })
}

fn number(text: &str, unit: &str) -> Option<f64> {
    let value: f64 = text.strip_suffix(unit)?.trim().parse().ok()?;
    (value.is_finite() && value > 0.0).then_some(value)
}

pub(super) fn width_px(element: ElementRef) -> Option<f64> {
    number(declaration(element, "width")?, "px")
}

/// Height divided by width of a frame that is drawn with `padding-top`. Both percentages are of the container's width.
pub(super) fn frame_ratio(element: ElementRef) -> Option<f64> {
    let height = number(declaration(element, "padding-top")?, "%")?;
    let width = declaration(element, "width").and_then(|width| number(width, "%")).unwrap_or(100.0);
    Some(height / width)
}

/// Height divided by width of a frame in an album, where `data-ratio` is width divided by height.
pub(super) fn album_ratio(element: ElementRef) -> Option<f64> {
    number(element.attr("data-ratio")?, "").map(|ratio| 1.0 / ratio)
}

/// The ratio of the first frame in or below `element`.
pub(super) fn inner_ratio(element: ElementRef) -> Option<f64> {
    frame_ratio(element).or_else(|| element::below(element).find_map(frame_ratio))
}

/// Width and height in whole pixels. A ratio alone tells neither.
pub(super) fn size(width: Option<f64>, ratio: Option<f64>) -> (Option<u32>, Option<u32>) {
    (width.and_then(pixels), width.zip(ratio).and_then(|(width, ratio)| pixels(width * ratio)))
}

fn pixels(length: f64) -> Option<u32> {
    (1.0..=LARGEST_SIDE).contains(&length.round()).then_some(length.round() as u32)
}
