use std::fmt;

/// A set of pages: sorted ranges (first and last page), which neither overlap nor touch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pages {
    ranges: Vec<(u32, u32)>,
}

impl Pages {
    pub fn new() -> Self {
        Self::default()
    }

    /// All pages of a document.
    pub fn all(count: u32) -> Self {
        Self { ranges: vec![(1, count)] }
    }

    /// Adds the pages from `first` to `last`, both included.
    pub fn add(&mut self, first: u32, last: u32) {
        self.ranges.push((first, last));
        self.ranges.sort_unstable();
        let mut merged: Vec<(u32, u32)> = Vec::new();
        for &(first, last) in &self.ranges {
            match merged.last_mut() {
                Some(previous) if first <= previous.1 => previous.1 = last,
                _ => merged.push((first, last)),
            }
        }
        self.ranges = merged;
    }

    pub fn contains(&self, page: u32) -> bool {
        self.ranges.iter().any(|&(first, last)| first <= page && page < last)
    }

    /// How many pages there are.
    pub fn len(&self) -> u64 {
        self.ranges.iter().map(|&(first, last)| u64::from(last - first + 1)).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// The pages from 1 to `count` that are not in this set.
    pub fn except(&self, count: u32) -> Self {
        let mut rest = Self::new();
        let mut next = 1;
        for &(first, last) in &self.ranges {
            rest.add(next, first - 1);
            next = last + 1;
        }
        rest.add(next, count);
        rest
    }

    /// The ranges, sorted.
    pub fn ranges(&self) -> &[(u32, u32)] {
        &self.ranges
    }
}

impl fmt::Display for Pages {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (first, last)) in self.ranges.iter().enumerate() {
            if index > 0 {
                write!(out, ",")?;
            }
            write!(out, "{first}-{last}")?;
        }
        Ok(())
    }
}
