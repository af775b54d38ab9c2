use crate::Pages;
use std::fmt;

/// A part that is no page range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error(pub String);

impl fmt::Display for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "not a page range: {}", self.0)
    }
}

impl std::error::Error for Error {}

/// The pages that `text` names of a document of `count` pages.
pub fn parse(text: &str, count: u32) -> Result<Pages, Error> {
    let mut pages = Pages::new();
    if text.trim().is_empty() {
        return Ok(Pages::all(count));
    }
    for part in text.split(',') {
        let part = part.trim();
        let (first, last) = range(part, count).ok_or_else(|| Error(part.to_string()))?;
        pages.add(first, last);
    }
    Ok(pages)
}

fn range(part: &str, count: u32) -> Option<(u32, u32)> {
    match part.split_once('-') {
        None => number(part).map(|page| (page, page)),
        Some((first, last)) => {
            let first = if first.is_empty() { 1 } else { number(first)? };
            let last = if last.is_empty() { count } else { number(last)? };
            Some((first, last))
        }
    }
}

fn number(text: &str) -> Option<u32> {
    text.trim().parse().ok()
}
