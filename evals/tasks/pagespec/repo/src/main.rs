use pagespec::parse;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let except = arguments.first().map(String::as_str) == Some("--except");
    if except {
        arguments.remove(0);
    }
    let (count, text) = match arguments.as_slice() {
        [count, text] => (count, text),
        _ => return fail("usage: pagespec [--except] COUNT RANGES"),
    };
    let count = match count.parse() {
        Ok(count) => count,
        Err(_) => return fail("COUNT is the number of pages"),
    };
    match parse(text, count) {
        Ok(pages) if except => println!("{}", pages.except(count)),
        Ok(pages) => println!("{pages}"),
        Err(error) => return fail(&error.to_string()),
    }
    ExitCode::SUCCESS
}

fn fail(message: &str) -> ExitCode {
    eprintln!("pagespec: {message}");
    ExitCode::from(2)
}
