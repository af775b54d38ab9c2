"""What stays of a conversation that is made shorter."""

from __future__ import annotations

from qwright.agent import compaction
from qwright.agent.compaction import Record, without_old_results
from qwright.agent.messages import Message, ToolCall
from qwright.tools.base import ToolResult
from tests.fakes import call

START = (
    Message(role="system", content="S"),
    Message(role="user", content="Fix it.", asked="Fix it."),
)
READ = call("read_file", path="a.py")
TEST = call("run_shell_command", command="make test")


def turn(*calls: ToolCall, result: str = "x" * 1_000) -> list[Message]:
    answer = Message(role="assistant", content="Hm.", tool_calls=calls)
    return [answer, *(Message(role="tool", content=result, tool_call_id=c.id) for c in calls)]


def failed(output: str) -> ToolResult:
    return ToolResult(output, {"exit_code": 1}, is_error=True)


class TestOldResults:
    def test_the_oldest_give_way_until_enough_is_saved(self) -> None:
        messages = [*START]
        for n in range(8):
            messages += turn(call("read_file", path=f"{n}.py"), result="word " * 1_000)
        shorter = without_old_results(messages, 1_500, 3)
        left_out = [m.content for m in shorter if "left out" in m.content]
        assert len(left_out) == 2
        assert "read_file 0.py: 5,000 characters" in left_out[0]
        assert "read_file 1.py" in left_out[1]
        assert len(shorter) == len(messages)
        assert [m.tool_call_id for m in shorter] == [m.tool_call_id for m in messages]

    def test_the_newest_stay_and_those_not_seen_yet(self) -> None:
        messages = [*START, *turn(READ), *turn(*[READ] * 6)]
        shorter = without_old_results(messages, 10**6, 3)
        assert [m.content for m in shorter[4:]] == [m.content for m in messages[4:]]
        assert "left out" in shorter[3].content

    def test_each_stub_names_its_own_call(self) -> None:
        messages = [*START, *turn(READ, TEST), *turn(READ), *turn(READ), *turn(READ)]
        shorter = without_old_results(messages, 10**6, 3)
        assert "read_file a.py" in shorter[3].content
        assert "run_shell_command make test" in shorter[4].content

    def test_short_results_and_all_else_are_left(self) -> None:
        messages = [*START, *turn(READ, result="short"), *turn(READ), *turn(READ), *turn(READ)]
        assert without_old_results(messages, 10**6, 3)[3].content == "short"


class TestRecord:
    def test_the_plan_is_what_was_said_first_until_there_is_a_list(self) -> None:
        record = Record()
        record.said("")
        record.said("First I read.")
        record.said("Now I edit.")
        assert record.plan == "First I read."
        record.acted(call("todo_write"), ToolResult("no such argument", is_error=True))
        assert record.plan == "First I read."
        record.acted(call("todo_write"), ToolResult("[x] read\n[ ] edit"))
        record.said("More.")
        assert record.plan == "[x] read\n[ ] edit"

    def test_the_last_failure_stays_until_the_same_command_succeeds(self) -> None:
        record = Record()
        record.acted(TEST, failed("2 failed"))
        record.acted(call("run_shell_command", command="ls"), ToolResult("a", {"exit_code": 0}))
        record.acted(READ, ToolResult("text"))
        assert "2 failed" in record.failure
        assert "make test" in record.failure
        record.acted(TEST, failed("1 failed"))
        assert "1 failed" in record.failure
        record.acted(TEST, ToolResult("ok", {"exit_code": 0}))
        assert record.failure == ""


class TestSummary:
    def test_facts_come_before_the_models_own_words(self) -> None:
        record = Record(plan="Read, then edit.", failure="make:\nboom", told=["It still fails."])
        text = compaction.summary(record, "a.py +1 -1", "It is the loop.", 4_000)
        order = ["Read, then edit.", "a.py +1 -1", "boom", "It still fails.", "It is the loop."]
        places = [text.index(part) for part in order]
        assert places == sorted(places)

    def test_what_is_not_known_is_not_mentioned(self) -> None:
        text = compaction.summary(Record(), "", "", 4_000)
        assert "plan" not in text
        assert "failed" not in text
        assert "Your own" not in text

    def test_it_keeps_within_a_share_of_the_window(self) -> None:
        long = "line of output\n" * 4_000
        record = Record(plan=long, failure=long, told=[long] * 9)
        assert len(compaction.summary(record, long, "", 3_000)) < 4_500


def test_system_and_first_prompt_stay_to_the_byte() -> None:
    step = turn(READ)
    system, first, *rest = compaction.begun_anew(START, "So far.", step, 4_000)
    assert system == START[0]
    assert first.content == "Fix it.\n\nSo far."
    assert rest == step


def prompt(words: str, *, before: str = "", after: str = "") -> Message:
    return Message(role="user", content=f"{before}{words}{after}", asked=words)


class TestSeveralPrompts:
    FIRST = prompt("Fix it.", before="Notes: use tabs.\n\n", after='\n\n<file path="a.py">')
    SECOND = prompt("Now test it.", after='\n\n<file path="b.py">')
    THIRD = prompt("Commit.", before="The user edited a.py.\n\n")
    START = (START[0], FIRST, SECOND, THIRD)

    def test_the_users_words_stay_in_order_and_the_newest_prompt_whole(self) -> None:
        _, only = compaction.begun_anew(self.START, "So far.", [], 4_000)
        assert only.content == (
            "Notes: use tabs.\n\nFix it.\n\nThe user then asked:\nNow test it.\n\n"
            "The user then asked:\nThe user edited a.py.\n\nCommit.\n\nSo far."
        )
        assert only.asked == "Commit."

    def test_one_that_is_not_answered_comes_last(self) -> None:
        _, only = compaction.begun_anew(self.START, "So far.", [], 4_000, is_new=True)
        assert only.content.endswith("So far.\n\nThe user then asked:\n" + self.THIRD.content)

    def test_long_ones_are_cut_and_many_are_bounded(self) -> None:
        long = prompt("a very long prompt " * 5_000)
        _, only = compaction.begun_anew((*START, long, self.THIRD), "So far.", [], 4_000)
        assert "Fix it." in only.content
        assert "left out" in only.content
        assert len(only.content) < 3_000
        many = (START[0], *[prompt(f"Number {n}. " + "word " * 300) for n in range(200)])
        _, only = compaction.begun_anew((*many, self.THIRD), "So far.", [], 4_000)
        assert len(only.content) < 5_000
        assert "Number 0." in only.content

    def test_a_compacted_conversation_of_another_time_is_compacted_again(self) -> None:
        record = Record(plan="Read, then edit.")
        text = compaction.summary(record, "a.py +1 -1", "", 4_000)
        before = compaction.begun_anew(self.START, text, [], 4_000)
        found = Record.of(before)
        assert "Read, then edit." in found.earlier
        again = compaction.summary(found, "", "", 4_000)
        newer = (*before, prompt("Push."))
        _, only = compaction.begun_anew(newer, again, [], 4_000, is_new=True)
        for kept in (
            "use tabs.",
            "Fix it.",
            "Now test it.",
            "Commit.",
            "Push.",
            "Read, then edit.",
        ):
            assert only.content.count(kept) == 1

    def test_a_list_of_steps_outlives_a_prompt_and_a_resume_and_first_words_do_not(self) -> None:
        record = Record()
        record.said("First I read.")
        record.told.append("It fails.")
        record.asked()
        assert (record.plan, record.told) == ("", [])
        todo = turn(call("todo_write"), result="[ ] edit")
        found = Record.of([*START, *turn(READ), *todo, self.SECOND])
        assert found.plan == "[ ] edit"
        copy = found.copy()
        copy.told.append("More.")
        assert found.told == []


def test_the_last_step_is_the_last_answer_with_calls_and_what_follows() -> None:
    told = Message(role="user", content="It still fails.")
    assert compaction.last_step([*START, *turn(READ), *turn(TEST), told]) == [*turn(TEST), told]
    answer = Message(role="assistant", content="Done.")
    assert compaction.last_step([*START, *turn(READ), answer, told]) == []
    assert compaction.last_step(START) == []


def test_asking_changes_nothing_but_the_end() -> None:
    messages = [*START, *turn(READ)]
    assert compaction.asking(messages)[:-1] == messages
    told = [*messages, Message(role="user", content="It still fails.")]
    asked = compaction.asking(told)
    assert asked[:-1] == messages
    assert asked[-1].content.startswith("It still fails.")
    assert asked[-1].content.endswith(compaction.ASK)
    assert compaction.asking(messages, "the bug")[-1].content.endswith("keep: the bug")


def test_changed_files_are_counted_by_line() -> None:
    diff = (
        "diff --git a/a.py b/a.py\n--- a/a.py\n+++ b/a.py\n@@ -1,2 +1,3 @@\n-x\n+y\n+z\n same\n"
        "diff --git a/my file.txt b/my file.txt\nnew file mode 100644\n--- /dev/null\n"
        "+++ b/my file.txt\n@@ -0,0 +1 @@\n++ plus\n"
        "diff --git a/x.bin b/x.bin\nBinary files a/x.bin and b/x.bin differ\n"
    )
    assert compaction.changed_files(diff) == "a.py +2 -1\nmy file.txt +1 -0\nx.bin +0 -0"
    assert compaction.changed_files("") == ""
