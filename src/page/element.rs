//! Ways through the element tree: by class, by tag, by attribute. Knows nothing of posts.

use scraper::ElementRef;

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

/// The address of the nearest link: the element's own, or that of the first link below it.
pub(super) fn href<'a>(element: ElementRef<'a>) -> Option<&'a str> {
    element.attr("href").or_else(|| first_attr(element, "a", "href"))
}
