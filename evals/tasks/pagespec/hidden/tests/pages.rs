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

#[test]
fn a_single_page_has_no_dash() {
    assert_eq!(shown("7", 20), "7");
    assert_eq!(shown("1-3,7", 20), "1-3,7");
}

#[test]
fn ranges_that_touch_are_one() {
    assert_eq!(shown("1-3,4-5", 20), "1-5");
    assert_eq!(shown("3,1,2", 20), "1-3");
    assert_eq!(shown("1-3,5", 20), "1-3,5");
}

#[test]
fn a_range_within_another() {
    assert_eq!(shown("1-10,3-4", 20), "1-10");
    assert_eq!(shown("1-10,3-4,8-12", 20), "1-12");
}

#[test]
fn open_ranges() {
    assert_eq!(shown("10-", 12), "10-12");
    assert_eq!(shown("-4", 12), "1-4");
    assert_eq!(shown("10 - , - 2", 12), "1-2,10-12");
}

#[test]
fn pages_beyond_the_end_are_left_out() {
    assert_eq!(shown("5-30", 12), "5-12");
    assert_eq!(shown("13-30", 12), "");
    assert_eq!(shown("13-", 12), "");
    assert_eq!(shown("3,99", 12), "3");
    assert_eq!(shown("1", 0), "");
    assert_eq!(shown("", 0), "");
}

#[test]
fn odd_and_even() {
    assert_eq!(shown("odd", 6), "1,3,5");
    assert_eq!(shown("even", 7), "2,4,6");
    assert_eq!(shown("even, 1", 5), "1-2,4");
    assert_eq!(shown("odd,even", 5), "1-5");
}

#[test]
fn errors_name_the_part() {
    assert_eq!(shown("5-2", 12), "not a page range: 5-2");
    assert_eq!(shown("1, 0", 12), "not a page range: 0");
    assert_eq!(shown("0-3", 12), "not a page range: 0-3");
    assert_eq!(shown("-", 12), "not a page range: -");
    assert_eq!(shown("1--3", 12), "not a page range: 1--3");
    assert_eq!(shown("1,,2", 12), "not a page range: ");
    assert_eq!(shown("+3", 12), "not a page range: +3");
    assert_eq!(shown("4294967296", 12), "not a page range: 4294967296");
    assert_eq!(shown("30-20", 12), "not a page range: 30-20");
}

#[test]
fn the_largest_page() {
    let pages = parse("4294967295,4294967294", u32::MAX).unwrap();
    assert_eq!(pages.ranges(), [(u32::MAX - 1, u32::MAX)]);
    assert_eq!(Pages::all(u32::MAX).len(), u64::from(u32::MAX));
    assert_eq!(pages.except(u32::MAX).ranges(), [(1, u32::MAX - 2)]);
}

#[test]
fn contains_both_ends() {
    let pages = parse("3-5,9", 20).unwrap();
    let found: Vec<u32> = (1..=20).filter(|&page| pages.contains(page)).collect();
    assert_eq!(found, [3, 4, 5, 9]);
}

#[test]
fn except() {
    assert_eq!(parse("3-5", 8).unwrap().except(8).to_string(), "1-2,6-8");
    assert_eq!(parse("1-5", 8).unwrap().except(8).to_string(), "6-8");
    assert_eq!(parse("5-8", 8).unwrap().except(8).to_string(), "1-4");
    assert_eq!(parse("1-8", 8).unwrap().except(8).to_string(), "");
    assert_eq!(Pages::new().except(8).to_string(), "1-8");
    assert_eq!(parse("3-5", 8).unwrap().except(4).to_string(), "1-2");
    assert_eq!(parse("3-5,7", 8).unwrap().except(2).to_string(), "1-2");
}

#[test]
fn all_of_nothing_is_empty() {
    assert!(Pages::all(0).is_empty());
    assert_eq!(Pages::all(0).len(), 0);
}
