"""The eval report in a real browser: by keyboard, on a phone, in the dark, and with a grudge."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from qwright.agent import events as ev
from qwright.evals.instance import Instance
from qwright.evals.report import write_report
from qwright.evals.result import Result, Solution, Verdict
from tests.browser import DESKTOP, PHONE, Visit, chromium, visit
from tests.evals.made_runs import Made, call, diff, instances, write_run, write_sample

CODE = "window.owned = true; document.title = 'owned'"
HOSTILE = (
    f"</script></pre></style></title></textarea><script>{CODE}</script>"
    f'<img src=x onerror="{CODE}"><svg onload="{CODE}"> \' " & {{{{ 7 * 7 }}}} ${{7}} '
    "\x1b]8;;http://x\x07\x1b[31mred\x1b[0m \u202egnp.exe\u202c שלום --> ]]>"
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def report(folder: Path) -> Path:
    """28 instances of one run, one of them without a verdict."""
    return write_report(write_run(folder / "one", Made(count=28, faults=1)))


@pytest.fixture(scope="module")
def side_by_side(folder: Path) -> Path:
    """Two runs of four samples, whose costs are known."""
    runs = [
        write_run(folder / name, Made(count=9, repeat=4, skill=skill, model=name, price=2e-7))
        for name, skill in (("qwen3-coder", 0.7), ("qwen2.5-coder", 0.3))
    ]
    return write_report(runs, folder / "both.html")


def _ids(seen: Visit) -> list[str]:
    shown = "rows => rows.filter(row => !row.hidden).map(row => row.querySelector('a').textContent)"
    return seen.page.locator("tbody tr").evaluate_all(shown)


def _column(seen: Visit, key: str) -> list[str]:
    at = seen.page.locator(f"thead [data-key={key}]").evaluate("(head) => head.cellIndex")
    cells = f"rows => rows.filter(r => !r.hidden).map(r => r.cells[{at}].dataset.v)"
    return seen.page.locator("tbody tr").evaluate_all(cells)


def test_headers_sort_both_ways_and_say_so(browser: Browser, report: Path) -> None:
    with visit(browser, report) as seen:
        head = seen.page.locator("thead [data-key=tokens]")
        head.locator("button").click()
        assert head.get_attribute("aria-sort") == "descending"
        down = _column(seen, "tokens")
        assert down[-1] == ""
        assert [float(one) for one in down[:-1]] == sorted(map(float, down[:-1]), reverse=True)
        head.locator("button").press("Enter")
        assert head.get_attribute("aria-sort") == "ascending"
        up = _column(seen, "tokens")
        assert up[-1] == ""
        assert sorted(map(float, up[:-1])) == [float(one) for one in up[:-1]]
        seen.page.locator("thead [data-key=id] button").click()
        assert _ids(seen) == sorted(_ids(seen))
        assert seen.page.locator("[aria-sort]").count() == 1


def test_filters_by_text_mark_and_class_add_up(browser: Browser, report: Path) -> None:
    with visit(browser, report) as seen:
        seen.press("/", *"Click-1")
        assert _ids(seen) == [one.id for one in instances(28) if "click-1" in one.id]
        shown = len(_ids(seen))
        assert seen.page.locator("#count").inner_text() == f"{shown} of 28"
        seen.page.locator(".marks [data-mark=none]").click()
        assert 0 < len(_ids(seen)) < shown
        seen.page.locator("#search").fill("there is no such instance")
        assert seen.page.locator("#nothing").is_visible()
        seen.press("Escape")
        assert len(_ids(seen)) == 28
        bar = seen.page.locator(".failures button").first
        bar.click()
        assert bar.get_attribute("aria-pressed") == "true"
        assert len(_ids(seen)) == int(bar.locator("b").inner_text())
        seen.page.locator("#class").select_option("fault: engine")
        assert _ids(seen) == [instances(1)[0].id]


def test_all_of_it_works_by_keyboard(browser: Browser, report: Path) -> None:
    with visit(browser, report) as seen:
        ids = [one.id for one in instances(28)]
        sheet = seen.page.locator("#sheet")
        seen.press("ArrowDown", "ArrowDown", "ArrowDown")
        assert seen.focused() == ids[2]
        seen.press("End", "ArrowUp")
        assert seen.focused() == ids[-2]
        seen.press("Home", "ArrowDown", "Enter")
        expect(sheet).to_be_visible()
        expect(seen.page.locator("#sheet-title")).to_have_text(ids[1])
        assert seen.page.locator("#panel-0 section.turn").count() >= 2
        seen.press("n")
        assert "run_shell_command" in seen.focused() or "Out of turns" in seen.focused()
        seen.press("3")
        expect(seen.page.get_by_role("tab", selected=True)).to_have_text("Tests")
        seen.press("]")
        expect(seen.page.locator("#sheet-title")).to_have_text(ids[2])
        expect(seen.page.locator("#panel-2")).to_be_visible()
        seen.page.get_by_role("tab", selected=True).focus()
        seen.press("ArrowRight")
        expect(seen.page.locator("#panel-3 .output")).to_contain_text("Start Test Output")
        seen.press("Escape")
        expect(sheet).to_be_hidden()
        assert seen.focused() == ids[2]
        assert "#" not in seen.page.url


def test_a_trajectory_is_all_there(browser: Browser, report: Path) -> None:
    chosen = next(one for one in instances(28)[::-1])
    with visit(browser, report, hash=f"#{chosen.id}") as seen:
        page = seen.page
        expect(page.locator("#sheet-mark")).to_have_text("Resolved")
        expect(page.locator("#panel-0 .finish")).to_contain_text("Done")
        assert page.locator("#panel-0 ins[data-n]").first.inner_text().startswith("+        if len")
        thought = page.locator("details.thought")
        assert thought.get_attribute("open") is None
        seen.press("e")
        assert thought.get_attribute("open") == ""
        page.locator("#panel-0 .map i.edit").click()
        assert "edit" in seen.focused()
        page.get_by_role("tab", name="Patch").click()
        assert page.locator("#panel-1:visible .file").count() == 2
        page.get_by_role("tab", name="Tests").click()
        assert "2 of 2 do" in page.locator("#panel-2").inner_text()
        page.go_back()
        page.wait_for_load_state()


def test_several_runs_stand_side_by_side(browser: Browser, side_by_side: Path) -> None:
    with visit(browser, side_by_side) as seen:
        page = seen.page
        assert page.locator(".runs tbody tr").count() == 2
        versus = page.locator(".versus").inner_text()
        assert "qwen2.5-coder against qwen3-coder" in versus
        assert "points" in versus
        assert page.locator("figcaption", has_text="Resolved within a cost budget").count() == 1
        page.locator(".flips a").first.click()
        expect(page.locator("#sheet")).to_be_visible()
        assert page.locator("#samples button").count() == 8
        first = page.locator("#panels").inner_html()
        seen.press("s", "s")
        pressed = page.locator("#samples [aria-pressed=true]")
        expect(pressed).to_have_text("qwen3-coder · sample 3")
        assert page.url.endswith("/3")
        assert page.locator("#panels").inner_html() != first
        page.reload()
        expect(pressed).to_have_text("qwen3-coder · sample 3")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_it_fits_its_window_by_day_and_night(
    browser: Browser, report: Path, side_by_side: Path, size: tuple[int, int], scheme: str
) -> None:
    wanted = "dark" if scheme == "dark" else "light"
    for file in (report, side_by_side):
        with visit(browser, file, size=size, scheme=wanted) as seen:
            assert seen.too_wide() <= 0
            assert _lightness(seen, "background-color") < 0.2 or scheme == "light"
            assert _lightness(seen, "color") < 0.2 or scheme == "dark"
            seen.page.locator("tbody a").nth(3).click()
            expect(seen.page.locator("#sheet")).to_be_visible()
            for number in "12345":
                seen.press(number)
                wide = seen.page.locator("#sheet").evaluate("(at) => at.scrollWidth > innerWidth")
                assert not wide, number


def _lightness(seen: Visit, what: str) -> float:
    read = f"getComputedStyle(document.body)['{what}'].match(/\\d+/g).slice(0, 3).map(Number)"
    red, green, blue = seen.page.evaluate(read)
    return (red + green + blue) / (3 * 255)


def test_what_a_model_or_a_test_says_does_nothing(browser: Browser, tmp_path: Path) -> None:
    run = _hostile_run(tmp_path / "run")
    for file in (write_report(run), write_report([run, run], tmp_path / "both.html")):
        with visit(browser, file) as seen:
            page = seen.page
            assert page.locator("tbody a").first.inner_text().startswith("</script></pre>")
            page.locator("tbody a").first.click()
            expect(page.locator("#sheet")).to_be_visible()
            for number in "12345":
                seen.press(number)
                shown = page.locator("#panels > :visible").inner_text()
                assert "<script>window.owned = true" in shown, number
                assert not set("\x1b\u202e\u202c") & set(shown)
            assert page.evaluate("window.owned") is None
            assert "owned" not in page.title().partition("<")[0]
            assert page.locator("#panels :is(script, img, svg, iframe)").count() == 0
            assert page.evaluate("document.scripts.length") == page.locator("script").count()


def _hostile_run(folder: Path) -> Path:
    task = instances(1)[0].model_copy(
        update={"id": HOSTILE, "prompt": HOSTILE, "metadata": {"language": HOSTILE, HOSTILE: "x"}}
    )
    made = Made(model=HOSTILE, agent=HOSTILE)
    write_run(folder, made, instances(2)[1:])
    rows = folder / "instances.jsonl"
    rows.write_text(f"{task.model_dump_json()}\n{rows.read_text()}")
    place = write_sample(folder, _result(task), made, _said())
    (place / "grade" / "test_output.txt").write_text(HOSTILE)
    return folder


def _result(task: Instance) -> Result:
    return Result(
        key=HOSTILE,
        instance=task.id,
        sample=0,
        state="done",
        solution=Solution(patch=diff("a.py", f"{HOSTILE}\n", f"{HOSTILE}!\n"), reason=HOSTILE),
        verdict=Verdict(
            kind="unresolved",
            tests={"FAIL_TO_PASS": {"success": [], "failure": [HOSTILE]}},
            note=HOSTILE,
        ),
    )


def _said() -> Sequence[ev.Event]:
    arguments = {"command": HOSTILE, HOSTILE: HOSTILE}
    shown = {"diff": diff(HOSTILE.replace("/", "|"), f"{HOSTILE}\n", f"{HOSTILE}!\n")}
    return (
        ev.RunStarted(session=HOSTILE, model=HOSTILE, prompt=HOSTILE),
        ev.TurnStarted(turn=1),
        ev.ReasoningDelta(text=HOSTILE),
        ev.TextDelta(text=f"{HOSTILE}\n\n```html\n{HOSTILE}\n```\n[x](javascript:{CODE})"),
        *call("1", "edit", arguments, HOSTILE, shown),
        *call("2", HOSTILE, arguments, HOSTILE, {}, bad=True),
        ev.VerifyFinished(command=HOSTILE, exit_code=1, output=HOSTILE, seconds=1.0),
        ev.Notice(text=HOSTILE),
        ev.RunFinished(
            reason="model_error", text=HOSTILE, turns=1, tokens=ev.Tokens(), seconds=1.0
        ),
    )


def test_500_instances_open_at_once(
    browser: Browser, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write_report(write_run(tmp_path / "run", Made(count=500, turns=5)))
    began = time.perf_counter()
    with visit(browser, file) as seen:
        expect(seen.page.locator("tbody tr")).to_have_count(500)
        opened = time.perf_counter() - began
        seen.page.locator("thead [data-key=seconds] button").click()
        seen.press("/", *"werkzeug", "Enter", "Enter")
        expect(seen.page.locator("#sheet .finish")).to_be_visible()
        # What is not asked for is not made into elements.
        assert seen.page.locator(".trajectory").count() == 1
    with capsys.disabled():
        print(f"\n500 instances, {file.stat().st_size / 1e6:.1f} MB: open after {opened:.2f} s")
