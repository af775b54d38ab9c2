use pagespec::{parse, Pages};

fn shown(text: &str, count: u32) -> String {
    match parse(text, count) {
        Ok(pages) => pages.to_string(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn two_ranges() {
    assert_eq!(shown("1-3, 10-12", 20), "1-3,10-12");
}

#[test]
fn they_are_sorted() {
    assert_eq!(shown("7-9,1-3", 20), "1-3,7-9");
}

#[test]
fn nothing_means_all() {
    assert_eq!(parse("  ", 12), Ok(Pages::all(12)));
}

#[test]
fn no_number() {
    assert_eq!(shown("1-3,x", 20), "not a page range: x");
}

#[test]
fn how_many() {
    assert_eq!(parse("1-3,10-12", 20).unwrap().len(), 6);
}
