"""One gettext catalogue for the window, the command line and the families.

`_` translates now; `N_` only marks a literal for extraction, and whoever shows it calls `_`. The language is
process-wide: it is chosen once at start-up, and again when the user changes it in the settings.
"""

from __future__ import annotations

import gettext
import locale
import os

from studio.core.paths import asset

LANGUAGES = {"en": "English", "zh_CN": "简体中文"}

_WIDE_ENDS = ("。", "？", "：", "；")

_catalogue: gettext.NullTranslations = gettext.NullTranslations()
_language = "en"


def system_language() -> str:
    """The best match among `LANGUAGES` for the user's environment."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if value := os.environ.get(name):
            return "zh_CN" if value.lower().startswith("zh") else "en"
    value = locale.getlocale()[0] or ""
    return "zh_CN" if value.lower().startswith(("zh", "chinese")) else "en"


def set_language(code: str) -> str:
    """Use the catalogue of `code` ("en", "zh_CN" or "system"); returns the language that is now in use."""
    global _catalogue, _language
    wanted = system_language() if code == "system" else code
    _language = wanted if wanted in LANGUAGES else "en"
    _catalogue = gettext.translation(
        "atelier", localedir=str(asset("translations")), languages=[_language], fallback=True
    )
    return _language


def language() -> str:
    """The language in use: a key of `LANGUAGES`."""
    return _language


def _(message: str) -> str:
    """`message` in the user's language. The empty string stays empty."""
    return _catalogue.gettext(message) if message else ""


def n_(singular: str, plural: str, n: int) -> str:
    """The form of the message that fits `n`."""
    return _catalogue.ngettext(singular, plural, n)


def sentences(*parts: str) -> str:
    """Whole sentences in a row; after a full-width mark there is no space."""
    text = ""
    for part in filter(None, (part.strip() for part in parts)):
        text += part if not text or text.endswith(_WIDE_ENDS) else f" {part}"
    return text


def N_(message: str) -> str:
    """Mark a literal for translation; translated with `_` where it is shown."""
    return message
