//! Ways through the element tree: by class, by tag, by attribute, along links. Knows nothing of posts.

use scraper::ElementRef;

use super::links;

pub(super) fn classes<'a>(element: ElementRef<'a>) -> impl Iterator<Item = &'a str> {
    element.attr("class").unwrap_or_default().split_ascii_whitespace()
}

pub(super) fn has(element: ElementRef, class: &str) -> bool {
    classes(element).any(|own| own == class)
}

pub(super) fn tag<'a>(element: ElementRef<'a>) -> &'a str {
    element.value().name()
}

/// The elements below `element` in document order, without itself.
pub(super) fn below<'a>(element: ElementRef<'a>) -> impl Iterator<Item = ElementRef<'a>> {
    element.descendants().skip(1).filter_map(ElementRef::wrap)
}

pub(super) fn all<'a>(element: ElementRef<'a>, class: &str) -> impl Iterator<Item = ElementRef<'a>> {
    below(element).filter(move |inner| has(*inner, class))
}

pub(super) fn first<'a>(element: ElementRef<'a>, class: &str) -> Option<ElementRef<'a>> {
    all(element, class).next()
}

/// `element` itself or the first below it that bears `class`.
pub(super) fn own_or_first<'a>(element: ElementRef<'a>, class: &str) -> Option<ElementRef<'a>> {
    if has(element, class) { Some(element) } else { first(element, class) }
}

pub(super) fn first_tag<'a>(element: ElementRef<'a>, name: &str) -> Option<ElementRef<'a>> {
    below(element).find(|inner| tag(*inner) == name)
}

/// The first value of `attribute` on an element called `name` below `element`.
pub(super) fn first_attr<'a>(element: ElementRef<'a>, name: &str, attribute: &str) -> Option<&'a str> {
    below(element).filter(|inner| tag(*inner) == name).find_map(|inner| inner.attr(attribute))
}

/// Where the element itself leads to, on a page of the channel `slug`.
pub(super) fn link(element: ElementRef, slug: &str) -> Option<String> {
    let href = element.attr("href")?;
    match element.attr("onclick") {
        Some(_) => links::absolute_twice_escaped(href, slug),
        None => links::absolute(href, slug),
    }
}

/// Where the element leads to, or else the first link below it. The post's own address is that of the upstream's
/// first host, whichever answered.
pub(super) fn nearest_link(element: ElementRef, slug: &str) -> Option<String> {
    let address = link(element, slug).or_else(|| below(element).find_map(|inner| link(inner, slug)))?;
    Some(links::own(&address, slug).unwrap_or(address))
}

/// Whether there is something to read, to see or to follow in an element.
pub(super) fn says_something(element: ElementRef) -> bool {
    let is_medium = |inner: ElementRef| {
        let name = tag(inner);
        matches!(name, "img" | "video" | "audio" | "picture" | "iframe")
            || name == "a" && inner.attr("href").is_some()
            || inner.attr("style").is_some_and(|style| style.contains("url("))
    };
    element.text().any(|text| !text.trim().is_empty()) || is_medium(element) || below(element).any(is_medium)
}
