from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from qwright.sandbox.stream import OutputWindow


@given(st.lists(st.binary(max_size=40)), st.integers(2, 30))
def test_a_window_keeps_head_and_tail(chunks: list[bytes], limit: int) -> None:
    window = OutputWindow(limit)
    for chunk in chunks:
        window.write(chunk)
    whole = b"".join(chunks)
    assert window.total == len(whole)
    assert window.dropped == max(0, len(whole) - limit)
    if len(whole) <= limit:
        assert window.text() == whole.decode(errors="replace")
    else:
        head, tail = whole[: limit // 2], whole[-(limit - limit // 2) :]
        assert window.text().startswith(head.decode(errors="replace"))
        assert window.text().endswith(tail.decode(errors="replace"))
        assert f"[... {window.dropped} bytes cut ...]" in window.text()
