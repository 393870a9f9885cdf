"""Options: what is taken as what, and what is said when it makes no sense."""

from __future__ import annotations

import pytest

from studio import cli
from studio.cli.console import width
from studio.cli.flags import Flag, Usage, choose, describe, parse, peek

FLAGS = [
    Flag("--prompt", "What to write.", "P"),
    Flag("--output", "Where to.", "F", "-o"),
    Flag("--temperature", "How free.", "X"),
    Flag("--echo", "Also the prompt.", negatable=True),
    Flag("--json", "As JSON."),
]


def test_values_words_and_switches() -> None:
    parsed = parse(["a", "--prompt", "- milk", "-o", "x.txt", "--temperature=-1", "--no-echo", "-", "--", "--b"], FLAGS)
    assert parsed.values == {"prompt": "- milk", "output": "x.txt", "temperature": "-1", "echo": "no"}
    assert parsed.words == ("a", "-", "--b")
    assert parse(["--temperature", "-1"], FLAGS).values["temperature"] == "-1"
    assert parse(["--prompt="], FLAGS).values["prompt"] == ""
    assert parse(["--prompt", "a=b", "--prompt", "c"], FLAGS).values["prompt"] == "c"
    assert parse(["--prompt", "--looks like an option"], FLAGS).values["prompt"] == "--looks like an option"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--pormpt", "x"], "There is no option --pormpt. Did you mean --prompt?"),
        (["--zzz"], "There is no option --zzz. --help lists the options."),
        (["-x"], "There is no option -x."),
        (["--prompt"], "--prompt needs a value: --prompt P."),
        (["--prompt", "--json"], "--prompt needs a value: --prompt P."),
        (["--json=yes"], "--json takes no value."),
        (["--no-json"], "There is no option --no-json. Did you mean --json?"),
    ],
)
def test_wrong_use_is_told(arguments: list[str], words: str) -> None:
    with pytest.raises(Usage) as caught:
        parse(arguments, FLAGS)
    assert str(caught.value).startswith(words)


def test_a_value_can_be_seen_before_the_options_are_known() -> None:
    assert peek(["--strange", "--model", "m", "x"], "--model") == "m"
    assert peek(["--model=m=n"], "--model") == "m=n"
    assert peek(["--", "--model", "m"], "--model") == ""
    assert peek(["--model"], "--model") == ""


def test_help_lines_stand_under_each_other() -> None:
    lines = describe([*FLAGS, Flag("--a-name-that-is-longer-than-the-column", "Help.", "X")]).split("\n")
    assert lines[1] == "  -o, --output F              Where to."
    assert lines[3].startswith("  --echo, --no-echo ")
    assert {line.index("Help") for line in lines if "Help." in line} == {30}
    assert width("灯塔 a") == 6


def test_a_near_miss_is_offered() -> None:
    with pytest.raises(Usage, match=r"There is no command genrate\. Did you mean generate\?"):
        choose("genrate", cli.COMMANDS, "There is no command {word}.")
    with pytest.raises(Usage, match=r"There are: generate, .*families, models"):
        choose("xyz", cli.COMMANDS, "There is no command {word}.")


def test_what_is_for_the_command_line_and_what_for_the_window(tmp_path: object) -> None:
    assert not cli.wants([])
    assert all(cli.wants([name]) for name in (*cli.COMMANDS, "--help", "-h", "--version", "genrate"))
    assert not cli.wants(["--gallery"])
    assert not cli.wants([str(tmp_path)])
