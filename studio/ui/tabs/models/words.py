"""What is said of models, sizes, licences and the work on them. Free of Qt."""

from __future__ import annotations

import re
from dataclasses import dataclass

from studio.core.activities import Activity, ActivityKind, ActivityState
from studio.core.errors import explain
from studio.core.fits import Fit
from studio.core.i18n import N_, _, n_, sentences
from studio.core.jobs import Medium
from studio.core.licences import terms
from studio.core.models import ModelInfo, ModelState
from studio.ui.model_picker import LANGUAGES

GIB = 1 << 30
_GAP = re.compile(r"(?<=[\u4e00-\u9fff]) (?=[\u4e00-\u9fff])")  # Chinese stands apart from Latin letters only
ANY_COMPUTER = GIB // 2  # what needs less runs on every computer that runs the window
UNITS = ((1_000_000_000, N_("{size} GB")), (1_000_000, N_("{size} MB")), (1_000, N_("{size} KB")))
MEDIA = {
    Medium.IMAGE: N_("Image"),
    Medium.TEXT: N_("Text"),
    Medium.MUSIC: N_("Music"),
    Medium.SPEECH: N_("Speech"),
    Medium.ANIMATION: N_("Animation"),
}
# Languages as their speakers write them.
NATIVE = {
    "en": "English",
    "zh": "中文",
    "ja": "日本語",
    "ko": "한국어",
    "fr": "Français",
    "de": "Deutsch",
    "es": "Español",
    "it": "Italiano",
    "pt": "Português",
    "nl": "Nederlands",
    "pl": "Polski",
    "tr": "Türkçe",
    "vi": "Tiếng Việt",
    "ru": "Русский",
    "uk": "Українська",
}
LANGUAGES_SHOWN = 3
# What the page of the settings for the network may help with.
NETWORK_CODES = (
    "hub-offline",
    "hub-unreachable",
    "hub-interrupted",
    "hub-proxy",
    "hub-endpoint",
    "hub-token",
    "hub-token-unsafe",
    "hub-certificate",
    "hub-strange",
)
# Failures of a download that no further attempt mends.
HOPELESS = ("hub-missing", "hub-file-missing", "hub-no-weights", "hub-unsafe-name", "model-pickled", "model-needs-code")
# Parts of the names of architectures that are not written as words are.
_NAMES = {
    "xl": "XL",
    "flux": "FLUX",
    "kl": "KL",
    "real": "Real",
    "esrgan": "ESRGAN",
    "controlnet": "ControlNet",
    "ip": "IP",
    "pixart": "PixArt",
    "dev": "[dev]",
    "schnell": "[schnell]",
}
KINDS = {
    "checkpoint": N_("a model of {architecture}"),
    "lora": N_("a LoRA for {architecture}"),
    "gguf": N_("a text model in GGUF ({architecture})"),
    "soundfont": N_("a soundfont"),
    "repository": N_("a model's folder ({architecture})"),
    "pickle": N_("weights in Python's pickle format"),
}


def size_words(size: int) -> str:
    """ "4.2 GB", "92 MB": in thousands, as disks and the hub count."""
    for unit, words in UNITS:
        if size >= unit:
            amount = size / unit
            return _(words).format(size=f"{amount:.1f}".removesuffix(".0") if amount < 100 else f"{amount:.0f}")
    return _("{size} bytes").format(size=size)


def part_words(done: int, total: int) -> str:
    """ "2.6 of 4.2 GB": both in the unit of the whole."""
    if not total:
        return size_words(done)
    unit, words = next(((unit, words) for unit, words in UNITS if total >= unit), (1_000, UNITS[-1][1]))
    digits = 1 if total < 100 * unit else 0
    shown = f"{total / unit:.{digits}f}".removesuffix(".0")
    part = f"{done / unit:.{digits}f}"
    return _("{part} of {whole}").format(part=part, whole=_(words).format(size=shown))


def memory_words(need: int) -> str:
    """What a model needs in memory, in bytes (0: not known)."""
    if not need:
        return _("Memory unknown")
    if need < ANY_COMPUTER:
        return _("Any computer")
    return _("{count} GB memory").format(count=_gib(need))


def memory_amount(need: int) -> str:
    """The same where it stands beside the word "Memory"."""
    return _("{size} GB").format(size=_gib(need)) if need >= ANY_COMPUTER else memory_words(need)


def _gib(need: int) -> str:
    gib = need / GIB
    return f"{gib:.1f}".removesuffix(".0") if gib < 10 else f"{gib:.0f}"


def language_words(info: ModelInfo) -> str:
    """Languages as their speakers write them: up to three, or how many."""
    codes = list(dict.fromkeys(code.split("-")[0] for code in info.languages))
    if len(codes) > LANGUAGES_SHOWN:
        return n_("{count} language", "{count} languages", len(codes)).format(count=len(codes))
    return _(", ").join(native(code) for code in codes)


def native(code: str) -> str:
    return NATIVE.get(code) or _(LANGUAGES.get(code, code))


def need_words(need: int, judged: Fit) -> tuple[str, ...]:
    """What a model needs in memory and how that fits, the longest words first; the verdict is never left out."""
    whole = memory_words(need)
    gib = need / GIB
    count = f"{gib:.1f}".removesuffix(".0") if gib < 10 else round(gib)
    amount = _("{count} GB").format(count=count) if need >= ANY_COMPUTER else whole
    if judged not in (Fit.TIGHT, Fit.TOO_LARGE):
        return (whole, amount)
    verdict = fit_words(judged)
    return (f"{whole} · {verdict}", f"{amount} · {verdict}", verdict)


def licence_words(info: ModelInfo) -> str:
    """The licence on a card: its name, and what it forbids."""
    licence = terms(info.license)
    if licence.commercial is False:
        return _("{licence}, not for commercial use").format(licence=_(licence.title))
    return _(licence.title)


def licence_sentences(info: ModelInfo) -> list[str]:
    """What the licence asks for, in plain words, one line for each point."""
    if not info.license:
        return [_("The licence is not known. Read the model's page before you use what it makes.")]
    licence = terms(info.license)
    commercial = {
        True: _("You may use it for commercial work."),
        False: _("It is not for commercial work."),
        None: _("Whether commercial work is allowed has to be read in its text."),
    }[licence.commercial]
    lines = [commercial]
    if licence.attribution:
        lines.append(_("Name its makers when you pass the model on."))
    if licence.conditions:
        lines.append(_(licence.conditions))
    return lines


def card_line(info: ModelInfo) -> str:
    return " · ".join(part for part in (language_words(info), licence_words(info)) if part)


# -- states ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Look:
    """A chip: its words (already translated), tone and icon."""

    words: str
    tone: str
    icon: str = ""


def needs_acceptance(info: ModelInfo, accepted: bool = False) -> bool:
    return info.gated and not accepted and info.state in (ModelState.NOT_INSTALLED, ModelState.PARTIAL)


def thrown_away(activity: Activity | None) -> bool:
    """Whether nothing is kept of a download that failed: it begins anew."""
    failure = activity.failure if activity is not None and activity.state is ActivityState.FAILED else None
    return failure is not None and failure.code == "download-damaged"


def look_of(info: ModelInfo, activity: Activity | None = None, accepted: bool = False, kept: int = 0) -> Look:
    """The chip of a model's card; `kept` bytes of a part are on the disk."""
    if thrown_away(activity):
        return Look(_("Thrown away"), "danger", "warning-circle")
    if activity is not None and activity.state is ActivityState.FAILED:
        return Look(_("Stopped"), "danger", "warning-circle")
    if info.problem:
        return Look(_("Cannot be used yet"), "warning", "warning")
    if info.state is ModelState.DAMAGED:
        return Look(_("Damaged"), "danger", "x-circle")
    if info.usable and info.update:
        return Look(_("Update"), "info", "arrow-up")
    if info.usable:
        words = {"starter": _("Starter"), "folder": _("Used in place"), "imported": _("Imported")}.get(info.origin)
        icon = {"starter": "package", "folder": "folder"}.get(info.origin, "check")
        tone = {"starter": "info", "folder": "neutral"}.get(info.origin, "success")
        return Look(words or _("Installed"), tone, icon)
    if needs_acceptance(info, accepted):
        return Look(_("Needs acceptance"), "warning", "warning")
    if info.state is ModelState.PARTIAL:
        size = size_words(kept)
        told = _("Part-downloaded · {size} kept").format(size=size) if kept else _("Part-downloaded")
        return Look(told, "neutral", "download-simple")
    if info.origin == "starter":
        return Look(_("Missing"), "warning", "warning")
    return Look(_("Not installed"), "neutral")


OPEN, DOWNLOAD, REVIEW, RESUME, UPDATE, RESTORE, REPAIR = (
    "open",
    "download",
    "review",
    "resume",
    "update",
    "restore",
    "repair",
)
PAUSE, GO_ON, CANCEL, PLAY, DETAILS, REMOVE, VERIFY, PAGE, CONVERT, AGAIN = (
    "pause",
    "go-on",
    "cancel",
    "play",
    "details",
    "remove",
    "verify",
    "page",
    "convert",
    "again",
)
ACTIONS = {
    OPEN: N_("Open"),
    DOWNLOAD: N_("Download"),
    REVIEW: N_("Review"),
    RESUME: N_("Resume"),
    UPDATE: N_("Update"),
    RESTORE: N_("Restore"),
    REPAIR: N_("Repair"),
    PAUSE: N_("Pause the download"),
    GO_ON: N_("Go on"),
    CANCEL: N_("Cancel the download"),
    PLAY: N_("Play a sample"),
    DETAILS: N_("Details"),
    REMOVE: N_("Remove…"),
    VERIFY: N_("Check its files"),
    PAGE: N_("Open its page"),
    CONVERT: N_("Convert…"),
    AGAIN: N_("Download again"),
}


def removable(info: ModelInfo) -> bool:
    """Whether something of it lies here that is ours to remove."""
    return info.here and info.origin != "folder"


def main_action(info: ModelInfo, activity: Activity | None = None, accepted: bool = False, opens: bool = True) -> str:
    """What the one button of a model's card does; "" while work on it goes on. `opens`: there is a tab that uses it."""
    if activity is not None:
        gated = activity.failure is not None and activity.failure.code == "hub-gated"
        if activity.state is ActivityState.FAILED:
            if activity.failure is not None and activity.failure.code in HOPELESS:
                return REMOVE if removable(info) else DETAILS
            return REVIEW if gated and not accepted else AGAIN if thrown_away(activity) else RESUME
        return ""
    if info.problem:
        near = info.origin in ("folder", "imported")
        if info.problem == "model-pickled" and near:
            return CONVERT
        return REMOVE if removable(info) else DETAILS
    if info.usable:
        return UPDATE if info.update else OPEN if opens else REMOVE if removable(info) else DETAILS
    if info.origin == "starter":
        return RESTORE
    if info.state is ModelState.DAMAGED:
        return REPAIR
    if needs_acceptance(info, accepted):
        return REVIEW
    return RESUME if info.state is ModelState.PARTIAL else DOWNLOAD


# -- work -----------------------------------------------------------------------------------------------------


def share(activity: Activity) -> float | None:
    """0 to 1; None while something goes on and nobody knows how much there is."""
    if activity.total:
        return min(1.0, activity.done / activity.total)
    return None if activity.state in (ActivityState.RUNNING, ActivityState.CHECKING) else 0.0


def amount_words(activity: Activity) -> str:
    """ "2.6 of 4.2 GB"; nothing before anything is known."""
    return part_words(activity.done, activity.total) if activity.total or activity.done else ""


def percent(activity: Activity) -> int:
    """Whole per cent, never 100 before the end."""
    return min(99, int(100 * activity.done / activity.total)) if activity.total else 0


def activity_title(activity: Activity) -> str:
    """The line above a card's progress."""
    if activity.state is ActivityState.QUEUED:
        return _("Waiting")
    if activity.state is ActivityState.PAUSED:
        return _("Paused at {percent} %").format(percent=percent(activity))
    if activity.state is ActivityState.CHECKING:
        return _("Checking what arrived")
    if activity.state is ActivityState.WAITING:
        return wait_words(activity)
    words = {
        ActivityKind.DOWNLOAD: N_("Downloading {percent} %"),
        ActivityKind.VERIFY: N_("Checking {percent} %"),
        ActivityKind.IMPORT: N_("Copying {percent} %"),
        ActivityKind.CONVERT: N_("Converting {percent} %"),
        ActivityKind.RESTORE: N_("Restoring {percent} %"),
        ActivityKind.REMOVE: N_("Removing"),
    }[activity.kind]
    return _(words).format(percent=percent(activity))


def strip_title(activity: Activity) -> str:
    """What the strip at the window's foot calls the work."""
    if activity.title and activity.kind in (ActivityKind.DOWNLOAD, ActivityKind.IMPORT, ActivityKind.CONVERT):
        return activity.title
    words = {
        ActivityKind.VERIFY: N_("Checking models"),
        ActivityKind.RESTORE: N_("Restoring the starter pack"),
        ActivityKind.REMOVE: N_("Removing models"),
    }.get(activity.kind, N_("Models"))
    return _(words)


def wait_words(activity: Activity) -> str:
    if activity.retry_in >= 0:
        return _("Trying again in {seconds} s").format(seconds=max(1, round(activity.retry_in)))
    return explain(activity.note).title if activity.note else _("Waiting")


def speed_words(speed: float) -> str:
    return _("{size}/s").format(size=size_words(round(speed))) if speed >= 1 else ""


def left_words(seconds: float) -> str:
    """ "42 s left", "3 min left", "2 h left"; nothing while it cannot be told."""
    if seconds < 0:
        return ""
    if seconds < 90:
        return _("{seconds} s left").format(seconds=max(1, round(seconds)))
    if seconds < 90 * 60:
        return _("{minutes} min left").format(minutes=round(seconds / 60))
    return _("{hours} h left").format(hours=round(seconds / 3600))


def rate_words(activity: Activity) -> str:
    """ "38 MB/s · 42 s left"."""
    parts = (speed_words(activity.speed), left_words(activity.seconds_left))
    return " · ".join(part for part in parts if part)


def reason_words(activity: Activity) -> str:
    """Why work on a model stopped, in the room of a card: the reason first, no names of files and hosts."""
    failure = activity.failure
    if failure is None:
        return ""
    if failure.code == "download-damaged":
        return _("It arrived damaged twice.")
    if failure.code == "disk-full":
        return _("The disk is full.")
    plain = {"file": _("A file"), "host": _("The hub"), "path": _("The disk"), "model": _("This model")}
    named = {name: plain.get(name, value) for name, value in failure.arguments.items()}
    return _GAP.sub("", explain(failure.code, named).title)


def note_of(info: ModelInfo, activity: Activity | None, opens: bool) -> tuple[str, str]:
    """(words, colour) of the line above a card's button: why it stopped, or why it cannot be used."""
    if activity is not None and activity.state is ActivityState.FAILED:
        return reason_words(activity), "danger.text"
    if info.problem:
        reasons = {
            "model-pickled": _("It has to be converted first."),
            "model-needs-code": _("It would run a program of its own."),
            "model-kind-unknown": _("Nothing here can use it yet."),
            "model-incomplete": _("Some of its files are missing."),
            "gguf-writes-nothing": _("It cannot write text here."),
            "gguf-damaged": _("Its file is damaged, or too new."),
        }
        return reasons.get(info.problem) or explain(info.problem, {"model": info.title}).title, "warning.text"
    if info.usable and not opens:
        return _("Nothing here uses it by itself yet."), "text.secondary"
    return "", ""


def failure_words(activity: Activity) -> str:
    failure = activity.failure
    return explain(failure.code, dict(failure.arguments)).title if failure is not None else ""


def spoken(
    info: ModelInfo, chip: str, action: str, activity: Activity | None, need: int, judged: Fit, *, opens: bool = True
) -> str:
    """A card as a screen reader says it."""
    parts = [info.title, _(MEDIA[info.medium]), card_line(info)]
    parts += [size_words(info.size) if info.size else "", memory_words(need), fit_words(judged)]
    if activity is not None and not activity.ended:
        parts += [activity_title(activity), amount_words(activity), rate_words(activity)]
    else:
        parts.append(chip)
        parts.append(failure_words(activity) if activity is not None else note_of(info, None, opens)[0])
    if action:
        parts.append(_("Space: {action}").format(action=_(ACTIONS[action])))
    return _(", ").join(part for part in parts if part)


def fit_words(judged: Fit) -> str:
    return {
        Fit.FITS: _("Fits"),
        Fit.TIGHT: _("Tight"),
        Fit.TOO_LARGE: _("Too large"),
        Fit.UNKNOWN: "",
    }[judged]


def architecture_name(id: str) -> str:
    """An architecture as its makers write it: "stable-diffusion-xl" is Stable Diffusion XL."""
    if "-" not in id:
        return _NAMES.get(id, id)
    return " ".join(_NAMES.get(part, part.capitalize()) for part in id.split("-"))


def recognised(seen: dict) -> str:
    """What an inspection found, as the end of "Recognised as …"."""
    id = str(seen.get("architecture") or "")
    architecture = architecture_name(id) if id else _("a kind this release does not know")
    return _(KINDS.get(seen["kind"], KINDS["checkpoint"])).format(architecture=architecture)


def verified(result: dict, titles: dict[str, str]) -> tuple[str, str]:
    """(what a check found, what it means) in words; `titles` are models by id."""
    damaged, whole, unknown = result.get("damaged", {}), result.get("whole", ()), result.get("unknown", ())
    total = len(damaged) + len(whole) + len(unknown)
    left = n_(
        "{count} model came without figures to compare with; it was left as it is.",
        "{count} models came without figures to compare with; they were left as they are.",
        len(unknown),
    ).format(count=len(unknown))
    if damaged:
        title = n_("{count} model has damaged files.", "{count} models have damaged files.", len(damaged))
        files = sum(len(names) for names in damaged.values())
        body = n_(
            "{count} file was put aside: {models}. Repairing fetches only what is damaged.",
            "{count} files were put aside: {models}. Repairing fetches only what is damaged.",
            files,
        ).format(count=files, models=_(", ").join(titles.get(str(id), str(id)) for id in damaged))
        return title.format(count=len(damaged)), sentences(body, left if unknown else "")
    if not total:
        return _("There is nothing to check."), ""
    title = n_("{count} model was checked.", "{count} models were checked.", total).format(count=total)
    return title, sentences(_("Every file is as it should be."), left if unknown else "")
