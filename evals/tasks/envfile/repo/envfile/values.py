"""What stands after the equals sign."""

import re

ESCAPES = {"n": "\n", "t": "\t", '"': '"', "\\": "\\"}


def read_value(text):
    """The value and whether ${NAME} counts in it. Raises ValueError."""
    text = text.split("#")[0].strip()
    if text.startswith("'"):
        return _quoted(text, "'"), False
    if text.startswith('"'):
        return _unescaped(_quoted(text, '"')), True
    return text, True


def _quoted(text, quote):
    if len(text) < 2 or not text.endswith(quote):
        raise ValueError(f"no closing {quote}")
    return text[1:-1]


def _unescaped(text):
    for letter, character in ESCAPES.items():
        text = text.replace("\\" + letter, character)
    return text


def expand(text, values):
    """`text` with ${NAME} replaced; unknown names are empty."""
    return re.sub(r"\$\{(\w+)\}", lambda match: values.get(match[1], ""), text)
