"""Chinese as it is read aloud: numbers, dates, money, units, phone numbers, addresses. What misaki's normaliser
(PaddleSpeech's rules) has no rule for is put into words first; 二 and 两 are chosen by what they count."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from studio.media.reading.english import without_emoji

_DIGITS = "零一二三四五六七八九"
_CURRENCIES = {"¥": "元", "￥": "元", "$": "美元", "€": "欧元", "£": "英镑", "₩": "韩元"}
_AMOUNT = r"(\d[\d,]*(?:\.\d+)?)\s?(万亿|亿|万|千万|百万)?"
_MONEY = re.compile(rf"([¥￥$€£₩])\s?{_AMOUNT}(?!\d)(?:元|块|美元|欧元|英镑)?")
_THOUSANDS = re.compile(r"(?<![\d,.])\d{1,3}(?:,\d{3})+(?![\d])")
_SLASH_DATE = re.compile(r"(?<!\d)(\d{4})[/.](\d{1,2})[/.](\d{1,2})(?!\d)")
_YEARS = re.compile(r"(?<!\d)(\d{4})\s?[-–—~～至到]\s?(\d{4})年")
_YEAR = re.compile(r"(?<![\d.])(\d{4})(?=年(?!.?[级龄]))")
# 3:2 is a ratio, 8:30 a time of day.
_RATIO = re.compile(
    r"(?<![\d:：])(?:(\d{1,3})[:：](\d)|(\d{1,3})[:：](\d{3})|((?:2[5-9]|[3-9]\d|\d{3}))[:：](\d{2}))(?![\d:：])"
)
_MULTIPLE = re.compile(r"(\d+)\s?[x×]\s?(\d+)")
_VERSION = re.compile(r"(?<=[版本vV])\s?(\d+(?:\.\d+)+)")
_EMAIL = re.compile(r"([A-Za-z0-9._+-]+)@((?:[A-Za-z0-9-]+\.)+[A-Za-z]{2,})")
_URL = re.compile(r"(?:https?://)?((?:[A-Za-z0-9-]+\.)+(?:com|cn|org|net|io|ai|edu|gov))((?:/[\w.-]*)*)")
_COUNTERS = "个本只位件条张块台辆头匹棵朵杯碗瓶盘双对套间座层次遍种份家名天周年岁斤米人支枝倍把篇首句段部"
_TWO = re.compile(rf"(?<![\d./零一二三四五六七八九十百千万亿第])2(?=\s?[{_COUNTERS}](?!月))")
_TWO_MONTHS = re.compile(r"(?<![\d./第])2(?=个)")
_DECADE = re.compile(r"(?<![\d])([1-9])0(?=年代)")
_BORN = re.compile(r"(?<!\d)([0-9]0|[0-9]5)(?=后(?!面|来|天))")
_WORD = re.compile(r"(?<![0-9A-Za-z°/])[A-Za-z][A-Za-z'’]*(?:[ -][A-Za-z][A-Za-z'’]*)*")
# 二 before a power of ten is 两, but not inside a larger number.
_TWO_THOUSAND = re.compile(r"(?<![零一二三四五六七八九十百千万亿点第])二(?=[千万亿])")


def spoken(text: str) -> str:
    """`text` with everything that is not a Han character, a Latin word or punctuation put into words."""
    text = without_emoji(text).replace("㎡", "m²")
    text = _EMAIL.sub(lambda match: f"{_dotted(match[1])}艾特{_dotted(match[2])}", text)
    text = _URL.sub(lambda match: _dotted(match[1]) + _dotted(match[2].rstrip("/")), text)
    text = _MONEY.sub(_money, text)
    text = _THOUSANDS.sub(lambda match: match[0].replace(",", ""), text)
    text = _SLASH_DATE.sub(lambda match: f"{match[1]}年{int(match[2])}月{int(match[3])}日", text)
    text = _YEARS.sub(lambda match: f"{digits(match[1])}到{digits(match[2])}年", text)
    text = _YEAR.sub(lambda match: digits(match[1]), text)
    text = _RATIO.sub(lambda match: "比".join(part for part in match.groups() if part), text)
    text = _DECADE.sub(lambda match: f"{_DIGITS[int(match[1])]}十", text)
    text = _BORN.sub(lambda match: digits(match[1]), text)
    text = _VERSION.sub(lambda match: "点".join(digits(part) for part in match[1].split(".")), text)
    text = _MULTIPLE.sub(r"\1乘\2", text)
    text = _TWO_MONTHS.sub("两", _TWO.sub("两", text))
    text = re.sub(r"(?<=\d)\s?\+\s?(?=\d)", "加", text)
    text = re.sub(r"(?<=[\d一-龥])\s?=\s?(?=[\d一-龥])", "等于", text)
    text = re.sub(r"(?<=[\w一-龥])\s?&\s?(?=[\w一-龥])", "和", text)
    return _TWO_THOUSAND.sub("两", _normalise(text))


def digits(number: str) -> str:
    """Digit by digit: "2026" → 二零二六."""
    return "".join(_DIGITS[int(character)] if character.isdigit() else character for character in number)


@cache
def _normaliser() -> Any:
    from misaki.zh_normalization.text_normalization import TextNormalizer

    return TextNormalizer()


def _normalise(text: str) -> str:
    """misaki's normaliser would read the m of "exam" as metres: words of Latin letters stand aside meanwhile, each as
    one character of the private use area."""
    words: list[str] = []

    def aside(match: re.Match[str]) -> str:
        words.append(match[0])
        return chr(0xE000 + len(words) - 1)

    text = _WORD.sub(aside, text)
    if not text.strip():
        return ""
    normalised = "".join(_normaliser().normalize(text))
    return re.sub("[\ue000-\uf8ff]", lambda match: words[ord(match[0]) - 0xE000], normalised)


def _money(match: re.Match[str]) -> str:
    return f"{match[2].replace(',', '')}{match[3] or ''}{_CURRENCIES[match[1]]}"


def _dotted(text: str) -> str:
    names = {".": "点", "/": "斜杠", "-": "杠", "_": "下划线", "+": "加"}
    return "".join(names.get(character, character) for character in text)
