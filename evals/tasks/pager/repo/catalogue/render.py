"""A page as text."""


def footer(page):
    """Such as "11-20, page 2 of 3"."""
    if page.end == page.first:
        return "nothing here"
    return f"{page.first + 1}-{page.end}, page {page.number} of {page.of}"


def draw(items, page):
    """The items of a page, one a line with its number, and the footer."""
    lines = [f"{position + 1:>4}  {items[position]}" for position in range(page.first, min(page.end, len(items)))]
    return "\n".join([*lines, footer(page)])
