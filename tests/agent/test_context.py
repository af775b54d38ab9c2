"""Token accounting: what is estimated, what is learned, and which counts betray a server."""

from __future__ import annotations

import pytest

from qwright.agent.context import Context
from qwright.agent.endpoint import Provider
from qwright.agent.errors import ContextOverflowError, ModelError
from qwright.agent.limits import Stop
from qwright.agent.messages import Message, ToolCall
from qwright.agent.model import Finish, ToolSpec, Usage
from qwright.agent.profile import DEFAULT
from qwright.agent.tokens import tokens_in

TOOLS = [ToolSpec("read_file", "Read a file.", {"type": "object", "properties": {}})]
START = [Message(role="system", content="You help."), Message(role="user", content="Fix it.")]
CODE = "def add(first, second):\n    return first + second\n"
ROOM = 1_000


def context(size: int = 32_768, **more: object) -> Context:
    return Context(DEFAULT.model_copy(update={"context": size, **more}), "ollama")


def finish(prompt: int, completion: int = 5, cached: int = 0, *, cut: bool = False) -> Finish:
    usage = Usage(prompt=prompt, completion=completion, cached=cached)
    return Finish("length" if cut else "stop", usage, "ok")


def grown(messages: list[Message], words: int) -> list[Message]:
    """The conversation after another answer and a user's text of about so many tokens."""
    answer = Message(role="assistant", content="Hm.")
    return [*messages, answer, Message(role="user", content="word " * words)]


class TestEstimate:
    @pytest.mark.parametrize(
        ("text", "tokens"),
        [
            # Counted with the tokenizer of Qwen2.5-Coder.
            ("0.417022,0.720324,0.000114,0.302333", 35),
            ("这个函数在处理空列表时会抛出异常,请修复它并添加测试。", 18),
            ("def add(first, second):\n    return first + second\n", 12),
            ("Die Größe des Fensters wird überschritten.", 12),
            ("}\n\n\n\n            return self._value\n", 8),
        ],
    )
    def test_it_is_near_what_the_tokenizer_counts(self, text: str, tokens: int) -> None:
        assert 0.75 * tokens <= tokens_in(text) <= 1.6 * tokens

    def test_a_rule_of_equal_signs_is_no_long_text(self) -> None:
        assert tokens_in("=" * 400) < 10

    def test_everything_that_is_sent_counts(self) -> None:
        plain = context().tokens(START, [])
        assert context().tokens(START, TOOLS) > plain + 100
        call = ToolCall(id="c", name="write_file", arguments={"content": CODE * 100})
        answer = Message(role="assistant", tool_calls=(call,))
        assert context().tokens([*START, answer], []) > plain + 1_000

    def test_a_call_spelled_in_the_text_counts_once(self) -> None:
        arguments = {"content": CODE * 100}
        call = ToolCall(id="c", name="write_file", arguments=arguments)
        text = f'{{"name": "write_file", "arguments": {arguments}}}'
        spelled = Message(role="assistant", content=text, tool_calls=(call,))
        plain = Message(role="assistant", content=text)
        both = context().tokens([spelled], []), context().tokens([plain], [])
        assert both[0] == both[1]

    def test_thoughts_count_where_they_are_sent_back(self) -> None:
        thought = [*START, Message(role="assistant", content="ok", reasoning="Hm. " * 1_000)]
        assert context().tokens(thought, []) < 200
        assert context(keeps_thoughts=True).tokens(thought, []) > 1_000


class TestRoom:
    @pytest.mark.parametrize("size", [4_096, 8_192, 32_768, 131_072])
    def test_prompt_and_answer_never_exceed_the_window(self, size: int) -> None:
        found = context(size, max_output=65_536)
        messages = START
        while found.tokens(messages, TOOLS) <= found.limit:
            room = found.max_output(messages, TOOLS)
            assert room >= size // 8 - 1
            assert room + found.tokens(messages, TOOLS) < size
            messages = grown(messages, size // 10)

    def test_a_server_that_never_counts_leaves_room_too(self) -> None:
        found = context(131_072, max_output=8_192)
        messages = grown(START, found.limit * 100 // 120)
        assert found.limit * 0.9 < found.tokens(messages, TOOLS) <= found.limit
        assert found.max_output(messages, TOOLS) >= 4_096

    def test_what_the_server_counted_corrects_the_estimate(self) -> None:
        found = context()
        messages = grown(START, 4_000)
        guessed = found.tokens(messages, TOOLS)
        found.learn(messages, TOOLS, ROOM, finish(8_000))
        assert guessed < 6_000
        assert found.tokens(messages, TOOLS) == 8_000
        assert found.tokens(grown(messages, 1_000), TOOLS) > 9_000
        # The ratio holds for another conversation too.
        assert found.tokens([*START, *messages[2:]], TOOLS) == pytest.approx(9_200, rel=0.2)

    def test_a_prompt_counted_without_its_cached_part_is_the_sum_of_both(self) -> None:
        found = context()
        messages = grown(START, 4_000)
        found.learn(messages, TOOLS, ROOM, finish(40, cached=4_300))
        assert found.tokens(messages, TOOLS) == 4_340
        found.learn(messages, TOOLS, ROOM, finish(4_340, cached=4_300))
        assert found.tokens(messages, TOOLS) == 4_340

    def test_a_result_takes_its_share_at_most(self) -> None:
        found = context(4_096)
        cut = found.bounded(CODE * 1_000, START, TOOLS)
        assert 300 < tokens_in(cut) < 1_100
        assert "left out" in cut
        assert found.bounded("short", START, TOOLS) == "short"
        assert context(1_000_000).bounded(CODE * 400, START, TOOLS) == CODE * 400

    def test_many_results_in_one_turn_still_fit(self) -> None:
        found, messages = context(4_096), list(START)
        for _ in range(8):
            text = found.bounded("0123456789 " * 2_000, messages, TOOLS)
            messages.append(Message(role="tool", content=text))
        assert found.tokens(messages, TOOLS) < 4_096


class TestShrinking:
    def test_to_what_was_named(self) -> None:
        found = context()
        found.shrink(ContextOverflowError("no", 8_192), START, TOOLS)
        assert found.size == 8_192

    def test_by_a_third_where_nothing_new_was_named(self) -> None:
        found, long = context(), grown(START, 20_000)
        sizes = [found.size]
        for named in (None, 20_000, 20_000):
            found.shrink(ContextOverflowError("no", named), long, TOOLS)
            sizes.append(found.size)
        assert sizes == sorted(set(sizes), reverse=True)
        assert sizes[2] <= 20_000

    def test_what_it_counted_is_believed(self) -> None:
        found = context(8_192)
        messages = grown(START, 2_000)
        assert found.tokens(messages, TOOLS) < found.limit
        found.shrink(ContextOverflowError("no", 8_192, 7_900), messages, TOOLS)
        assert found.tokens(messages, TOOLS) > found.limit

    def test_not_below_what_any_task_needs(self) -> None:
        with pytest.raises(Stop) as stopped:
            context().shrink(ContextOverflowError("it is tiny", 512), START, TOOLS)
        assert stopped.value.reason == "context_limit"
        assert "it is tiny" in str(stopped.value)


def converse(found: Context, counts: list[Finish], words: int = 400) -> None:
    """One growing conversation, counted as given."""
    messages = list(START)
    for count in counts:
        found.learn(messages, TOOLS, ROOM, count)
        messages = grown(messages, words)


class TestServersThatCut:
    @pytest.mark.parametrize(
        "counts",
        [
            [300, 700, 1_100, 1_500, 1_900, 1_900, 1_900, 1_900],
            [300, 700, 1_100, 1_500, 1_900, 1_200, 1_700, 1_300],
            [300, 700, 2_050, 2_050, 2_050, 2_050, 2_050, 2_050, 2_050, 2_050],
        ],
    )
    def test_fewer_tokens_of_a_longer_conversation(self, counts: list[int]) -> None:
        with pytest.raises(ModelError) as raised:
            converse(context(), [finish(count) for count in counts])
        assert "2,048" in str(raised.value) or "4,096" in str(raised.value)
        assert "OLLAMA_CONTEXT_LENGTH" in str(raised.value)
        assert "\n" not in str(raised.value)

    def test_much_more_text_for_hardly_more_tokens(self) -> None:
        found = context()
        converse(found, [finish(300), finish(720), finish(1_140)])
        longer = grown(START, 400)
        found.learn(START, TOOLS, ROOM, finish(300))
        found.learn(longer, TOOLS, ROOM, finish(720))
        with pytest.raises(ModelError) as raised:
            found.learn(grown(longer, 9_000), TOOLS, ROOM, finish(2_040))
        assert "2,048" in str(raised.value)

    def test_an_answer_that_ends_where_a_small_window_would(self) -> None:
        with pytest.raises(ModelError) as raised:
            context().learn(START, TOOLS, ROOM, finish(3_996, 100, cut=True))
        assert "4,096" in str(raised.value)


class TestHonestServers:
    @pytest.mark.parametrize(
        "counts",
        [
            [finish(300 + 420 * n) for n in range(12)],
            [finish(0) for _ in range(12)],
            [finish(300), *[finish(420) for _ in range(12)]],
            [finish(2_000), *[finish(430) for _ in range(12)]],
            [finish(count) for count in (2_000, 430, 430, 430, 3_300, 430, 430, 430)],
            [finish(300 + 420 * n, cached=280 + 420 * n) for n in range(12)],
            [finish(20 + n, cached=280 + 420 * n) for n in range(12)],
            [finish(round((300 + 420 * n) * (1.05 if n % 2 else 0.95))) for n in range(12)],
            [finish(1) for _ in range(12)],
            [finish(300 + 200 * n) for n in range(12)],
            [finish(300 + 800 * n) for n in range(12)],
        ],
        ids=[
            *("exact", "no usage", "only what is new", "only new after a long start"),
            "all once, as its cache was lost",
            *("cached", "cached beside the prompt", "two tokenizers", "nonsense"),
            *("half the tokens", "twice the tokens"),
        ],
    )
    def test_none_is_blamed(self, counts: list[Finish]) -> None:
        converse(context(), counts)

    def test_an_answer_that_used_all_it_was_given_is_no_sign(self) -> None:
        context().learn(START, TOOLS, 100, finish(3_996, 100, cut=True))

    def test_thoughts_that_the_template_drops_are_no_cut(self) -> None:
        found = context(keeps_thoughts=True)
        thought = Message(role="assistant", content="ok", reasoning="Hm well. " * 1_000)
        messages = [*START, Message(role="user", content="word " * 300)]
        found.learn(START, TOOLS, ROOM, finish(250))
        found.learn(messages, TOOLS, ROOM, finish(560))
        longer = [*messages, thought, Message(role="tool", content="x", tool_call_id="c")]
        found.learn(longer, TOOLS, ROOM, finish(3_600))
        found.learn(grown(longer, 100), TOOLS, ROOM, finish(700))

    @pytest.mark.parametrize("provider", ["dashscope", "openrouter", "embedded"])
    def test_services_that_refuse_instead_may_count_as_they_like(self, provider: Provider) -> None:
        found = Context(DEFAULT, provider)
        converse(found, [finish(count) for count in (300, 700, 1_100, 1_500, 300, 400, 500)])
        found.learn(START, TOOLS, ROOM, finish(3_996, 100, cut=True))

    def test_another_conversation_may_be_shorter(self) -> None:
        found = context()
        converse(found, [finish(300 + 420 * n) for n in range(5)])
        converse(found, [finish(310 + 420 * n) for n in range(5)])
