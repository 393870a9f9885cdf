"""The advanced form built from a family, and the choice of models."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QListView

from studio import families
from studio.core.jobs import Task
from studio.core.models import ModelState
from studio.core.params import Choice, Flag, Integer, Number, Seed, Text
from studio.documents.templates import templates
from studio.ui.form import ParamForm
from studio.ui.icons import _glyphs
from studio.ui.model_picker import ModelPicker, languages, origin_line, speaks
from studio.ui.tabs.text.asking import Order, advanced_params, chat_request, rework_request, write_request
from studio.ui.tabs.text.rework_panel import OWN_WORDS
from tests.fakes.fake_engine import MODELS
from tests.fakes.studio import Studio
from tests.fakes.writing import TEMPLATES
from tests.ui.tabs.test_text_editor import theme  # noqa: F401
from tests.ui.tabs.test_text_tab import studio, tab_of  # noqa: F401

PARAMS = (
    Number(id="top_p", label="Top-p", help="How many.", default=0.9, step=0.01),
    Integer(id="top_k", label="Top-k", default=40, maximum=1000),
    Choice(id="kind", label="Kind", choices=(("a", "A"), ("b", "B")), default="a"),
    Flag(id="keep", label="Keep"),
    Text(id="stop", label="Stop at"),
    Seed(),
)


@pytest.fixture(params=["folded", "unfolded"])
def form(request, qtbot, theme):  # noqa: F811
    widget = ParamForm()
    qtbot.addWidget(widget)
    widget.set_expanded(request.param == "unfolded")
    widget.set_params(PARAMS)
    return widget


def test_values_defaults_and_reset(form: ParamForm) -> None:
    usual = {"top_p": 0.9, "top_k": 40, "kind": "a", "keep": False, "stop": "", "seed": None}
    assert form.values() == usual
    form.set_values({"top_p": 0.5, "top_k": 7, "kind": "b", "keep": True, "stop": "END", "seed": 12, "unknown": 1})
    assert form.values() == {"top_p": 0.5, "top_k": 7, "kind": "b", "keep": True, "stop": "END", "seed": 12}
    assert form.row.summary() == "6 changed"
    form.reset()
    assert form.values() == usual
    assert form.row.summary() == "Top-p, Top-k, Seed"


def test_values_out_of_range_are_left_out(form: ParamForm) -> None:
    form.set_values({"top_p": 7, "kind": "z", "top_k": "many"})
    assert form.values()["top_p"] == 0.9
    assert form.values()["kind"] == "a"
    assert form.values()["top_k"] == 40


def test_values_stay_when_it_is_unfolded(form: ParamForm) -> None:
    form.set_values({"top_p": 0.5, "kind": "b", "keep": True, "stop": "END", "seed": 12})
    values = form.values()
    form.set_expanded(True)
    assert form.values() == values
    assert form.next_seed() == 12
    assert form.row.summary() == "5 changed"


def test_every_row_has_help_and_a_name(form: ParamForm) -> None:
    form.set_expanded(True)
    for name, row in form._rows.items():
        assert name in row.toolTip()
    assert "From 0 to 1" in form._rows["top_p"].toolTip()
    assert "How many." in form._rows["top_p"].toolTip()


def test_another_family_keeps_what_it_shares(form: ParamForm) -> None:
    form.set_values({"top_p": 0.5, "top_k": 7})
    form.set_params((PARAMS[0], Seed()))
    assert form.values() == {"top_p": 0.5, "seed": None}


def test_an_error_is_shown_at_its_row(form: ParamForm) -> None:
    assert form.show_error("top_k", "Too many.")
    assert form.is_expanded()
    assert form._messages["top_k"].text() == "Too many."
    assert not form.show_error("nothing", "Whatever.")


def test_every_real_family_has_a_form(qtbot, theme) -> None:  # noqa: F811
    texts = [module.SPEC for module in families.all().values() if str(module.SPEC.medium) == "text"]
    assert len(texts) >= 2
    for spec in texts:
        for task in spec.tasks:
            model = replace(MODELS[0], family=spec.id)
            form = ParamForm()
            qtbot.addWidget(form)
            form.set_params(advanced_params(model, task))
            values = form.values()
            for param in advanced_params(model, task):
                param.check(values[param.id])


# -- requests -------------------------------------------------------------------------------------------------


def test_requests_pass_the_familys_own_check() -> None:
    order = Order(MODELS[0], "p", "t", {"tab": "text"})
    spec = families.get("gguf").SPEC
    for template in TEMPLATES.templates:
        request = write_request(order, template, "A brief", TEMPLATES.tones[0], 100, {"temperature": 0.5, "seed": 3})
        checked = spec.check(request)
        assert checked.params["temperature"] == 0.5
        assert checked.params["seed"] == 3
        assert "A brief" in checked.params["prompt"]
        assert request.keep
    for action in (*TEMPLATES.actions, OWN_WORDS):
        request = rework_request(
            order, action, "Before. Here. After.", 8, 13, {}, tone=TEMPLATES.tones[0], wish="Do it"
        )
        assert "Here." in spec.check(request).params["prompt"]
        assert not request.keep
    request = chat_request(order, [{"role": "user", "content": "Hello"}], {"top_k": 3, "foreign": 1}, 100)
    assert spec.check(request).params["top_k"] == 3


def test_the_answer_is_kept_within_the_context() -> None:
    model = replace(MODELS[0], context=1000)
    request = write_request(Order(model), TEMPLATES.templates[0], "A brief", None, 5000, {})
    assert request.params["max_new_tokens"] == 750


def test_a_model_that_only_continues_gets_one_prompt() -> None:
    model = replace(MODELS[0], tasks=(Task.CONTINUE,))
    request = write_request(Order(model), TEMPLATES.templates[0], "A brief", None, 50, {})
    assert request.task is Task.CONTINUE
    assert request.params["prompt"].startswith("You are a writer.\n\nWrite a short story.")
    assert "system" not in request.params


# -- models ---------------------------------------------------------------------------------------------------


def test_words_about_a_model() -> None:
    model = MODELS[0]
    assert origin_line(model) == "Starter · English"
    assert languages(replace(model, languages=("en", "zh-Hans"))) == "English, Chinese"
    assert languages(replace(model, languages=("en", "zh", "ja"))) == "3 languages"
    assert not speaks(model, "zh_CN")
    assert speaks(replace(model, languages=("zh",)), "zh_CN")
    assert speaks(replace(model, languages=()), "zh_CN")


def test_the_choice_is_remembered_and_states_are_shown(studio: Studio) -> None:  # noqa: F811
    other = replace(MODELS[0], id="qwen3", title="Qwen3 0.6B", languages=("zh", "en"), origin="imported")
    gone = replace(MODELS[0], id="gone", title="Gone", state=ModelState.DAMAGED)
    picker = tab_of(studio).picker
    picker.set_models([MODELS[0], other, gone])
    assert picker.current is not None
    assert picker.current.id == MODELS[0].id
    assert picker.choose("qwen3")
    assert tab_of(studio).write_panel.hint.text() == ""
    again = ModelPicker(studio.services, MODELS[0].medium)
    again.set_models([MODELS[0], other])
    assert again.current is not None
    assert again.current.id == "qwen3"
    assert not picker.choose("nothing")
    assert picker.choose("gone")
    assert picker.button.state() == "failed"
    picker.open_list()
    popover = picker._popover
    assert popover is not None
    view = popover.findChild(QListView)
    assert view is not None
    rows = [view.model().index(row, 0).data(Qt.ItemDataRole.AccessibleTextRole) for row in range(3)]
    assert rows[1] == "Qwen3 0.6B, Imported · Chinese, English, Ready"
    assert "Failed" in rows[2]
    popover.close_popover()


def test_icons_of_the_shipped_templates_exist() -> None:
    shipped = templates()
    icons = {item.icon for kind in (shipped.templates, shipped.actions, shipped.personas) for item in kind}
    assert icons
    assert {icon for icon in icons if icon.removeprefix("ph.") not in _glyphs()} == set()
