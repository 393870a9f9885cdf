"""Fields: what `check` accepts is canonical and stable; everything else is refused in words."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.core.errors import InvalidInput
from studio.core.params import (
    SEED_MAX,
    Choice,
    Flag,
    Integer,
    Messages,
    Number,
    Pairs,
    Rows,
    Seed,
    Text,
    check_all,
    clean_text,
)

STEPS = Integer(id="num_inference_steps", label="Steps", default=30, minimum=1, maximum=150)
SCALE = Number(id="guidance_scale", label="Guidance", default=7.5, minimum=0.0, maximum=20.0)


@given(st.integers(1, 150))
def test_whole_numbers_in_range_are_kept_and_read_from_words(value):
    assert STEPS.check(value) == STEPS.check(str(value)) == STEPS.check(float(value)) == value


@given(st.one_of(st.integers(max_value=0), st.integers(min_value=151), st.floats(0.1, 0.9)))
def test_whole_numbers_out_of_range_name_the_range(value):
    with pytest.raises(InvalidInput) as caught:
        STEPS.check(value)
    assert caught.value.code == "value-out-of-range"
    assert "1 to 150" in str(caught.value)


@pytest.mark.parametrize("value", ["", "many", None, True, [], {}, math.nan, math.inf, "nan", "1e400"])
def test_what_is_no_number_is_refused(value):
    for spec in (STEPS, SCALE):
        with pytest.raises(InvalidInput) as caught:
            spec.check(value)
        assert caught.value.parameter == spec.id


@given(st.text())
def test_clean_text_is_stable_or_refused_with_a_position(text):
    try:
        cleaned = clean_text(text)
    except InvalidInput as error:
        assert 1 <= error.arguments["position"] <= len(text)
        return
    assert clean_text(cleaned) == cleaned
    cleaned.encode("utf-8")


@pytest.mark.parametrize("text", ["a\x00b", "a\ud83db", "a\x1b[31mb", "a\x85b"])
def test_control_characters_and_lone_surrogates_are_refused_at_their_position(text):
    with pytest.raises(InvalidInput) as caught:
        clean_text(text)
    assert caught.value.arguments["position"] == 2


def test_line_ends_and_byte_order_marks_are_taken_away():
    assert clean_text("\ufeffone\r\ntwo\rthree\n") == "one\ntwo\nthree\n"


@pytest.mark.parametrize("text", ["", "   ", "\n\t\n", "\u3000"])
def test_a_required_text_of_white_space_is_refused(text):
    with pytest.raises(InvalidInput) as caught:
        Text(id="prompt", label="Prompt", required=True).check(text)
    assert caught.value.code == "prompt-empty"


def test_a_megabyte_of_text_is_refused_with_both_counts():
    with pytest.raises(InvalidInput) as caught:
        Text(id="prompt", label="Prompt").check("a" * 1_000_000)
    assert "1,000,000" in str(caught.value) and "200,000" in str(caught.value)


def test_choices_name_each_other():
    spec = Choice(id="scheduler", label="Sampler", default="ddim", choices=(("ddim", "DDIM"), ("euler", "Euler")))
    assert spec.check("euler") == "euler"
    with pytest.raises(InvalidInput) as caught:
        spec.check("magic")
    assert "ddim, euler" in str(caught.value)


def test_flags_read_words():
    flag = Flag(id="do_sample", label="Sample")
    assert flag.check("off") is False and flag.check("True") is True and flag.check(True) is True
    with pytest.raises(InvalidInput):
        flag.check("maybe")


def test_a_seed_may_be_open_and_stays_in_the_range_of_every_library():
    seed = Seed()
    assert seed.check(None) is None and seed.check(0) == 0 and seed.check(SEED_MAX) == SEED_MAX
    for value in (-1, SEED_MAX + 1):
        with pytest.raises(InvalidInput):
            seed.check(value)


@pytest.mark.parametrize(
    "value",
    [
        "hello",
        [{"role": "robot", "content": "x"}],
        [{"role": "user"}],
        [{"role": "user", "content": 3}],
        [],
        [{"role": "system", "content": "only instructions"}],
        [{"role": "user", "content": "  "}],
    ],
)
def test_conversations_without_words_or_of_the_wrong_shape_are_refused(value):
    with pytest.raises(InvalidInput):
        Messages().check(value)


def test_check_all_fills_defaults_and_refuses_unknown_names():
    assert check_all((STEPS, SCALE), {"guidance_scale": 3}) == {"num_inference_steps": 30, "guidance_scale": 3.0}
    with pytest.raises(InvalidInput) as caught:
        check_all((STEPS,), {"steps": 3})
    assert "num_inference_steps" in str(caught.value)


LINES = Rows(
    id="script",
    label="Script",
    fields=(Text(id="text", label="Text", required=True), Number(id="speed", label="Speed", minimum=0.5, maximum=2.0)),
    limit=3,
)


def test_rows_keep_what_they_have_and_leave_out_the_rest():
    rows = [{"text": "one\r\n", "speed": "1.5"}, {"text": "two"}]
    assert LINES.check(rows) == [{"text": "one\n", "speed": 1.5}, {"text": "two"}]
    assert LINES.check(()) == LINES.default == []


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        ("text", "value-wrong-kind"),
        (["text"], "value-wrong-kind"),
        ([{"speed": 1}], "value-wrong-kind"),
        ([{"text": " "}], "prompt-empty"),
        ([{"text": "a", "tempo": 1}], "parameter-unknown"),
        ([{"text": "a", "speed": 9}], "value-out-of-range"),
        ([{"text": "a\ud800"}], "text-not-clean"),
        ([{"text": "a"}] * 4, "rows-too-many"),
    ],
)
def test_rows_of_the_wrong_shape_are_refused(rows, code):
    with pytest.raises(InvalidInput) as caught:
        LINES.check(rows)
    assert caught.value.code == code and str(caught.value)


def test_pairs_are_trimmed_and_stay_in_order():
    pairs = Pairs(id="lexicon", label="Pronunciations")
    assert list(pairs.check({" SQL ": "sequel\n", "b": "c"}).items()) == [("SQL", "sequel"), ("b", "c")]
    assert pairs.check(pairs.default) == {}


@pytest.mark.parametrize("value", [[], "a", {"a": 1}, {1: "a"}, {"a": " "}, {"": "a"}, {"a": "b" * 501}, {"a": "\x07"}])
def test_pairs_of_the_wrong_shape_are_refused(value):
    with pytest.raises(InvalidInput):
        Pairs(id="lexicon", label="Pronunciations").check(value)
