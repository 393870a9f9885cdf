"""The language of prompts: weights, choices and lists."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.core import paths
from studio.core.errors import InvalidInput
from studio.families.prompting import Piece, is_weighted, lists, pieces, plain, resolve, user_list


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("a red apple", [("a red apple", 1.0)]),
        ("a (red) apple", [("a ", 1.0), ("red", 1.1), (" apple", 1.0)]),
        ("a [red] apple", [("a ", 1.0), ("red", 1 / 1.1), (" apple", 1.0)]),
        ("a (red:1.3) apple", [("a ", 1.0), ("red", 1.3), (" apple", 1.0)]),
        ("a (red: .5 )", [("a ", 1.0), ("red", 0.5)]),
        ("((deep))", [("deep", 1.21)]),
        ("(a (b:2) c:1.5)", [("a ", 1.5), ("b", 3.0), (" c", 1.5)]),
        (r"smile \(happy\)", [("smile (happy)", 1.0)]),
        (r"a \\ b", [("a \\ b", 1.0)]),
        ("16:9 view", [("16:9 view", 1.0)]),
        ("time 12:30)", [("time 12:30)", 1.0)]),
        ("closed ) only", [("closed ) only", 1.0)]),
        ("open (to the end", [("open ", 1.0), ("to the end", 1.1)]),
        ("", [("", 1.0)]),
    ],
)
def test_weights(prompt: str, expected: list[tuple[str, float]]) -> None:
    found = pieces(prompt)
    assert [piece.text for piece in found] == [text for text, _weight in expected]
    assert [piece.weight for piece in found] == pytest.approx([weight for _text, weight in expected])


def test_break_begins_anew() -> None:
    assert pieces("a cat BREAK a dog") == [Piece("a cat"), Piece("a dog", breaks=True)]
    assert plain("a cat BREAK a (dog:1.2)") == "a cat a dog"
    assert [piece.breaks for piece in pieces("BREAKFAST on a table")] == [False]


def test_plain_words() -> None:
    assert plain(r"a (red:1.2) [apple] \(ripe\)") == "a red apple (ripe)"
    assert is_weighted("a (red)") and not is_weighted(r"a \(red\)")


def test_choices_by_the_seed() -> None:
    prompt = "a {red|blue|green} {small {cat|dog}|bird}"
    made = {resolve(prompt, seed) for seed in range(200)}
    assert made == {f"a {c} {t}" for c in ("red", "blue", "green") for t in ("small cat", "small dog", "bird")}
    assert [resolve(prompt, 7) for _again in range(3)] == [resolve(prompt, 7)] * 3
    assert resolve(prompt, 3) == resolve(resolve(prompt, 3), 99)  # what is resolved stays as it is


@pytest.mark.parametrize("prompt", ["{open", "open}", "a | b", r"\{a|b\}", "snake_case", "__", "____", "a __ b __"])
def test_what_is_no_choice_stays(prompt: str) -> None:
    assert resolve(prompt, 1, lambda name: ["x"]) == prompt
    assert pieces(r"\{a\|b\}") == [Piece("{a|b}")]


def test_lists_of_the_user() -> None:
    folder = paths.data_dir() / "wildcards"
    (folder / "my").mkdir(parents=True)
    (folder / "my" / "fruit.txt").write_text("# fruit\n\napple\n{red|green} pear\n", encoding="utf-8")
    assert "my/fruit" in lists()
    assert user_list("my/fruit") == ["apple", "{red|green} pear"]
    made = {resolve("a __my/fruit__", seed) for seed in range(60)}
    assert made == {"a apple", "a red pear", "a green pear"}


def test_an_unknown_list_is_refused_with_those_there_are() -> None:
    with pytest.raises(InvalidInput) as refused:
        resolve("a __nothing__", 1)
    assert refused.value.code == "wildcard-unknown" and "nothing" in str(refused.value)
    with pytest.raises(InvalidInput):
        resolve("a __../../etc/passwd__", 1)


def test_a_list_that_names_itself_ends_in_words() -> None:
    with pytest.raises(InvalidInput) as refused:
        resolve("__a__", 1, lambda name: ["x __a__ __a__"])
    assert refused.value.code == "prompt-too-deep"


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet="ab ()[]{}|\\:_.12,", max_size=40), st.integers(0, 3))
def test_any_text_can_be_read(text: str, seed: int) -> None:
    made = resolve(text, seed, lambda name: ["one", "two"])
    assert all(isinstance(piece.weight, float) for piece in pieces(made))
    assert isinstance(plain(made), str)
