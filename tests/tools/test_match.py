from __future__ import annotations

from hypothesis import assume, given
from hypothesis import strategies as st

from qwright.tools.match import find
from qwright.tools.text import decode

WORDS = st.text(st.sampled_from("ab (){}\té\ufeff\u2028"), max_size=6)
FILES = st.lists(st.tuples(WORDS, st.sampled_from(["\n", "\r\n", " \n"])), max_size=12).map(
    lambda lines: "".join(word + end for word, end in lines)
)


@given(FILES, st.integers(0, 80), st.integers(1, 30), st.text(st.sampled_from("xy\n"), max_size=5))
def test_an_exact_match_touches_its_region_only(
    text: str, start: int, length: int, new: str
) -> None:
    old = text[start : start + length]
    assume(old)
    found = find(text, old, new)
    assert found.how == "exact"
    places = {match.at for match in found.matches}
    assert start in places
    assert len(places) == sum(text.startswith(old, at) for at in range(len(text)))
    match = next(match for match in found.matches if match.at == start)
    # A region may grow over the CR of a line end it begins within; nothing else.
    assert match.end == start + len(old)
    assert match.start == start or text[match.start : start + 1] == "\r\n"
    assert match.new.replace("\r\n", "\n") == (new if "\r" not in old else match.new)


@given(st.binary(max_size=60), st.integers(0, 60), st.integers(1, 20))
def test_bytes_outside_an_exact_match_stay(data: bytes, start: int, length: int) -> None:
    file = decode(data)
    assume(file is not None)
    assert file is not None
    old = file.text[start : start + length]
    assume(old)
    match = find(file.text, old, "new").matches[0]
    edited = file.encode(file.text[: match.start] + match.new + file.text[match.end :])
    head = file.encode(file.text[: match.start])
    tail = file.text[match.end :].encode(file.encoding)
    assert edited.startswith(head)
    assert edited.endswith(tail)
    assert data.startswith(head)
    assert data.endswith(tail)
    assert len(edited) == len(head) + len("new".encode(file.encoding)) + len(tail)


@st.composite
def tolerant_edits(draw: st.DrawFn) -> tuple[str, str, str, int]:
    """A file, a block of it written with other whitespace, the block edited, the line edited."""
    ends = draw(st.lists(st.sampled_from(["\n", "\r\n", " \n", "\t\r\n"]), min_size=1, max_size=9))
    text = "".join(f"{' ' * (n % 3)}line {n}{end}" for n, end in enumerate(ends))
    first = draw(st.integers(0, len(ends) - 1))
    last = draw(st.integers(first, len(ends) - 1))
    pads = draw(st.lists(st.sampled_from([" ", "  ", "\t "]), min_size=9, max_size=9))
    written = [f"{' ' * (n % 3)}line {n}{pads[n]}" for n in range(first, last + 1)]
    changed = draw(st.integers(0, last - first))
    put = [*written[:changed], "changed", *written[changed + 1 :]]
    return text, "\n".join(written), "\n".join(put), first + changed


@given(tolerant_edits())
def test_a_tolerant_match_leaves_quoted_and_other_lines_alone(
    given_edit: tuple[str, str, str, int],
) -> None:
    text, old, new, changed = given_edit
    (match,) = find(text, old, new).matches
    lines = text.split("\n")
    after = (text[: match.start] + match.new + text[match.end :]).split("\n")
    assert after[changed].rstrip("\r") == "changed"
    assert "\r" not in after[changed] or "\r" in text
    assert after[:changed] == lines[:changed]
    assert after[changed + 1 :] == lines[changed + 1 :]


@given(FILES, WORDS, WORDS)
def test_a_match_is_always_inside_the_text(text: str, old: str, new: str) -> None:
    assume(old)
    for match in find(text, old, new).matches:
        assert 0 <= match.start <= match.end <= len(text)
        assert match.start <= match.at + 1
