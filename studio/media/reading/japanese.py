"""Japanese → phonemes: what is no word is put into words, readings by Open JTalk, kana to signs as in misaki 0.7,
which Kokoro 1.0 was trained on. Open JTalk reads numbers with their counters, dates and years by itself."""

from __future__ import annotations

import importlib.resources
import re
import unicodedata
from functools import cache
from typing import Any

from studio.media.reading.english import without_emoji

_NUMBER = r"\d[\d,]*(?:\.\d+)?"
_CURRENCIES = {"¥": "円", "$": "ドル", "€": "ユーロ", "£": "ポンド", "₩": "ウォン"}
_MONEY = re.compile(rf"([¥$€£₩])\s?({_NUMBER})\s?(兆|億|千万|百万|万|千)?(?:円|ドル|ユーロ|ポンド|ウォン)?")
_UNITS = {
    "km/h": "キロメートル毎時",
    "m/s": "メートル毎秒",
    "km2": "平方キロメートル",
    "cm2": "平方センチメートル",
    "m2": "平方メートル",
    "m3": "立方メートル",
    "km": "キロメートル",
    "cm": "センチメートル",
    "mm": "ミリメートル",
    "m": "メートル",
    "kg": "キログラム",
    "mg": "ミリグラム",
    "g": "グラム",
    "ml": "ミリリットル",
    "L": "リットル",
    "kHz": "キロヘルツ",
    "MHz": "メガヘルツ",
    "GHz": "ギガヘルツ",
    "Hz": "ヘルツ",
    "KB": "キロバイト",
    "MB": "メガバイト",
    "GB": "ギガバイト",
    "TB": "テラバイト",
    "kW": "キロワット",
    "W": "ワット",
    "V": "ボルト",
    "dB": "デシベル",
    "°C": "度",
    "°": "度",
}
_UNIT = re.compile(rf"(?<=\d)\s?({'|'.join(map(re.escape, _UNITS))})(?![A-Za-z\d])")
_DATE = re.compile(r"(?<![\d/.-])(\d{4})([/.-])(\d{1,2})\2(\d{1,2})(?![\d/.-])")
_DAY = re.compile(r"(?<![\d/.])(1[0-2]|0?[1-9])/(3[01]|[12]\d)(?![\d/])")
_FRACTION = re.compile(r"(?<![\d/.])(\d{1,2})[/\u2044](\d{1,2})(?![\d/])")
_CLOCK = re.compile(r"(?<![\d:])([01]?\d|2[0-4]):([0-5]\d)(?::([0-5]\d))?(?![\d:])")
_SPAN = re.compile(r"(?<=[\d時分日月年円人個回%])\s?[~〜–]\s?(?=[¥$]?\d)")
_MINUS = re.compile(r"(?<![A-Za-z\d)\]–-])[-−](?=\d)")
_EIGHT = re.compile(r"(?<![\d.,])(\d*)8(?=[個回])")
_SIGNS_BETWEEN = (("+", "たす"), ("×", "かける"), ("x", "かける"), ("÷", "わる"), ("=", "は"))

_TABLE = """
ぁ a あ a ぃ i い i ぅ ɯ う ɯ ぇ e え e ぉ o お o か ka が ɡa き kʲi ぎ ɡʲi く kɯ ぐ ɡɯ け ke げ ɡe こ ko ご ɡo
さ sa ざ ʣa し ɕi じ ʥi す sɨ ず zɨ せ se ぜ ʣe そ so ぞ ʣo
た ta だ da ち ʨi ぢ ʥi っ ʔ つ ʦɨ づ zɨ て te で de と to ど do な na に ɲi ぬ nɯ ね ne の no
は ha ば ba ぱ pa ひ çi び bʲi ぴ pʲi ふ ɸɯ ぶ bɯ ぷ pɯ へ he べ be ぺ pe ほ ho ぼ bo ぽ po
ま ma み mʲi む mɯ め me も mo ゃ ja や ja ゅ jɯ ゆ jɯ ょ jo よ jo ら ɾa り ɾʲi る ɾɯ れ ɾe ろ ɾo
ゎ βa わ βa ゐ i ゑ e を o ゔ vɯ ゕ ka ゖ ke ー ː
いぇ je うぃ βi うぇ βe うぉ βo きぇ kʲe きゃ kʲa きゅ kʲɨ きょ kʲo ぎゃ ɡʲa ぎゅ ɡʲɨ ぎょ ɡʲo
くぁ kᵝa くぃ kᵝi くぇ kᵝe くぉ kᵝo ぐぁ ɡᵝa ぐぃ ɡᵝi ぐぇ ɡᵝe ぐぉ ɡᵝo
しぇ ɕe しゃ ɕa しゅ ɕɨ しょ ɕo じぇ ʥe じゃ ʥa じゅ ʥɨ じょ ʥo ちぇ ʨe ちゃ ʨa ちゅ ʨɨ ちょ ʨo ぢゃ ʥa ぢゅ ʥɨ ぢょ ʥo
つぁ ʦa つぃ ʦʲi つぇ ʦe つぉ ʦo てぃ tʲi てゅ tʲɨ でぃ dʲi でゅ dʲɨ とぅ tɯ どぅ dɯ
にぇ ɲe にゃ ɲa にゅ ɲɨ にょ ɲo ひぇ çe ひゃ ça ひゅ çɨ ひょ ço びゃ bʲa びゅ bʲɨ びょ bʲo ぴゃ pʲa ぴゅ pʲɨ ぴょ pʲo
ふぁ ɸa ふぃ ɸʲi ふぇ ɸe ふぉ ɸo ふゅ ɸʲɨ ふょ ɸʲo みゃ mʲa みゅ mʲɨ みょ mʲo りゃ ɾʲa りゅ ɾʲɨ りょ ɾʲo
ゔぁ va ゔぃ vʲi ゔぇ ve ゔぉ vo ゔゅ bʲɨ ゔょ bʲo
"""
_CELLS = [*map(str, _TABLE.split())]
_SIGNS: dict[str, str] = dict(zip(_CELLS[::2], _CELLS[1::2], strict=True))
_MARKS = {
    **dict.fromkeys("。．.", "."),
    **dict.fromkeys("、，,", ","),
    **dict.fromkeys("！!", "!"),
    **dict.fromkeys("？?", "?"),
    **dict.fromkeys("：:", ":"),
    **dict.fromkeys("；;", ";"),
    **dict.fromkeys("「『《【«“", "“"),
    **dict.fromkeys("」』》】»”", "”"),
    **dict.fromkeys("～〜~—", "—"),
    **dict.fromkeys("…‥", "…"),
    "（": "(",
    "(": "(",
    "）": ")",
    ")": ")",
}
_OPENERS = "“("
_LONGEST_WORD = 8  # pieces of Open JTalk that can be one word


def spoken(text: str) -> str:
    """`text` with signs and units in words, as Open JTalk reads them: money, dates, times of day, spans, fractions,
    units, sums."""
    text = unicodedata.normalize("NFKC", without_emoji(text))
    text = _DATE.sub(lambda match: f"{match[1]}年{int(match[3])}月{int(match[4])}日", text)
    text = _DAY.sub(lambda match: f"{int(match[1])}月{int(match[2])}日", text)
    text = _FRACTION.sub(lambda match: f"{int(match[2])}分の{int(match[1])}", text)
    text = _CLOCK.sub(_clock, text)
    text = _SPAN.sub("から", text)
    text = _MINUS.sub("マイナス", text)
    text = _MONEY.sub(lambda match: f"{match[2]}{match[3] or ''}{_CURRENCIES[match[1]]}", text)
    text = _UNIT.sub(lambda match: _UNITS[match[1]], text)
    for sign, word in _SIGNS_BETWEEN:
        text = re.sub(rf"(?<=\d)\s?{re.escape(sign)}\s?(?=\d)", word, text)
    text = re.sub(r"\b[Nn]o\.\s?(?=\d)", "ナンバー", text)
    text = re.sub(r"(?<!\d)0時", "れーじ", text)
    return _EIGHT.sub(lambda match: f"{10 * int(match[1])}はっ" if int(match[1] or 0) else "はっ", text)


def reading(text: str) -> str:
    """`text` as it is said, in katakana with long vowels written ー."""
    return "".join(_reading(node) for node in _readings(spoken(text)) if node["pos"] != "記号")


def _clock(match: re.Match[str]) -> str:
    hours, minutes, seconds = int(match[1]), int(match[2]), int(match[3] or 0)
    return f"{hours}時" + (f"{minutes}分" if minutes or seconds else "") + (f"{seconds}秒" if seconds else "")


def phonemes(text: str) -> str:
    """The signs of `text`, words set apart by spaces."""
    pieces = [(node["string"], _reading(node), node["pos"] == "記号") for node in _readings(text)]
    out = ""
    while pieces:
        written, _read, is_mark = pieces[0]
        count = 1
        if is_mark:
            said = _MARKS.get(unicodedata.normalize("NFKC", written), "") or _MARKS.get(written, "")
        else:
            count = _word(pieces)
            said = _kana("".join(reading for _written, reading, _mark in pieces[:count]))
        # A stop of the breath (っ) belongs to the sound after it, also across words.
        glued = is_mark and said not in _OPENERS or out.endswith((*_OPENERS, "ʔ")) or said.startswith("ʔ")
        out += said if glued or not said else f" {said}"
        del pieces[:count]
    return out.strip()


def _readings(text: str) -> Any:
    import pyopenjtalk

    return pyopenjtalk.run_frontend(unicodedata.normalize("NFKC", text), use_sudachi_kanji_yomi=False)


def _reading(node: Any) -> str:
    return str(node["pron"]).replace("’", "").replace("'", "")


def _word(pieces: list[tuple[str, str, bool]]) -> int:
    """How many of the next pieces are one word of the dictionary."""
    marks = (index for index, piece in enumerate(pieces) if piece[2])
    limit = min(next(marks, len(pieces)), _LONGEST_WORD)
    for count in range(limit, 1, -1):
        if "".join(written for written, _reading, _mark in pieces[:count]) in _words():
            return count
    return 1


@cache
def _words() -> frozenset[str]:
    source = importlib.resources.files("misaki") / "data" / "ja_words.txt"
    return frozenset(source.read_text(encoding="utf-8").splitlines())


def _kana(reading: str) -> str:
    """Signs of katakana or hiragana. ん is said at the place of the sound after it."""
    kana = "".join(chr(ord(sign) - 0x60) if "ァ" <= sign <= "ヶ" else sign for sign in reading)
    out, position = "", 0
    while position < len(kana):
        pair = kana[position : position + 2]
        size = 2 if pair in _SIGNS and len(pair) == 2 else 1
        sign = pair[:size]
        if sign == "ん":
            out += _nasal(
                _SIGNS.get(kana[position + 1 : position + 3]) or _SIGNS.get(kana[position + 1 : position + 2], "")
            )
        else:
            out += _SIGNS.get(sign, "")
        position += size
    return out


def _nasal(following: str) -> str:
    for signs, nasal in (("mpb", "m"), ("kɡ", "ŋ"), ("ɲʨʥ", "ɲ"), ("ntdɾz", "n")):
        if following[:1] and following[0] in signs:
            return nasal
    return "ɴ"
