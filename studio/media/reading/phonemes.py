"""Text → phonemes in the alphabet of misaki, which Kokoro and the voices made from it read. English by Hibari's front
end, Chinese by misaki's pinyin table, Japanese by `japanese`. Words marked `[word](/signs/)` are said as they are
marked. The first use of a language reads its dictionaries; `prepare` does it beforehand.
"""

from __future__ import annotations

import logging
import re
import threading
from functools import cache
from typing import Any

from studio.media.reading import chinese, english, japanese, lexicon, spans

_lock = threading.Lock()  # the front ends keep state while they read
_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]+")
_PUNCTUATION = str.maketrans(
    {
        "、": ", ",
        "，": ", ",
        "。": ". ",
        "．": ". ",
        "！": "! ",
        "？": "? ",
        "：": ": ",
        "；": "; ",
        "《": " “",
        "》": "” ",
        "「": " “",
        "」": "” ",
        "『": " “",
        "』": "” ",
        "【": " “",
        "】": "” ",
        "（": " (",
        "）": ") ",
        "～": "—",
        "·": " ",
        "\n": " ",
    }
)


def phonemes(text: str, language: str) -> str:
    """The phonemes of a sentence in "en" (American), "en-GB", "zh" or "ja"; Latin words in the last two are read as
    English."""
    with _lock:
        return _phonemes(text, language.partition("-")[0], british=language == "en-GB")


def _phonemes(text: str, language: str, british: bool) -> str:
    if language == "en" and not _HAN.search(text):
        return _english(text, british)
    pieces = []
    for part, signs in lexicon.parts(text):
        if signs is not None:
            pieces.append(signs)
            continue
        other = "zh" if language == "en" else language
        spoken = {"zh": chinese.spoken, "ja": japanese.spoken}.get(language)
        written = spoken(part) if spoken else part
        for span in spans(written, other):
            if span.language == "en":
                pieces.append(_letter(span.text) or _english(span.text, british))
            else:
                pieces.append(japanese.phonemes(span.text) if language == "ja" else _chinese(span.text))
    return re.sub(r"\s+", " ", re.sub(r"\s+([,.!?:;])", r"\1", " ".join(pieces))).strip()


def prepare(language: str) -> None:
    """Read the dictionaries of `language`."""
    phonemes({"en": "Ready, zzyzxian.", "zh": "好。", "ja": "はい。"}[language], language)


@cache
def _front_end(british: bool) -> Any:
    from hibari.g2p import G2P

    return G2P(british=british)


def _english(text: str, british: bool) -> str:
    spoken = [f"[{part}](/{signs}/)" if signs is not None else _spoken(part) for part, signs in lexicon.parts(text)]
    return _front_end(british)("".join(spoken))


def _spoken(part: str) -> str:
    """`english.spoken` without its stripping, which would glue a marked word to its neighbours."""
    before = " " if part[:1].isspace() else ""
    after = " " if part[-1:].isspace() else ""
    return f"{before}{english.spoken(part)}{after}"


def _letter(text: str) -> str:
    """A letter that stands alone among Chinese or Japanese is said by its name: the A of A4 is no article."""
    return "ˈA" if text.strip() in ("A", "a") else ""


def _chinese(text: str) -> str:
    """misaki's phonemes of its first version, which Kokoro 1.0 was trained on: words by jieba, pinyin by pypinyin."""
    segmenter, zh = _pinyin()
    text = text.translate(_PUNCTUATION)
    pieces, position = [], 0
    for match in _HAN.finditer(text):
        pieces.append(text[position : match.start()])
        pieces.append(" ".join(zh.word2ipa(word) for word in segmenter.lcut(match[0], cut_all=False)))
        position = match.end()
    pieces.append(text[position:])
    return "".join(pieces).replace("\u032f", "").strip()


@cache
def _pinyin() -> tuple[Any, Any]:
    import jieba
    from misaki.zh import ZHG2P

    jieba.setLogLevel(logging.WARNING)
    jieba.initialize()
    return jieba, ZHG2P
