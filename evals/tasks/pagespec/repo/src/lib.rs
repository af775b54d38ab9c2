//! Page ranges as print dialogs have them.

mod pages;
mod parse;

pub use pages::Pages;
pub use parse::{parse, Error};
