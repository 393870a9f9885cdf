"""Phonemes in misaki's alphabet, the user's own pronunciations, and the readings of Japanese."""

from __future__ import annotations

import threading

import pytest

from studio.media.reading import english, japanese
from studio.media.reading.lexicon import Lexicon, parts
from studio.media.reading.phonemes import phonemes


@pytest.mark.parametrize(
    ("text", "signs"),
    [
        ("こんにちは、世界。", "koɲɲiʨiβa, sekai."),
        ("東京タワーは高いです。", "toːkʲoːtaβaː βa takai desɨ."),
        ("がっこうへ行った。", "ɡaʔkoː e iʔta."),
        ("「はい」と言った！", "“hai” to iʔta!"),
        ("とても面白かったです。", "totemo omoɕiɾokaʔta desɨ."),
        ("新聞を読んで、りんごと栄養。", "ɕimbɯɴ o jonde, ɾʲiŋɡo to eːjoː."),
        ("2026年11月23日、5時です。", "ɲi seɴ ɲiʥɨːɾokɯ neɴ ʥɨːiʨiɡaʦɨ ɲiʥɨːsaɴ ɲiʨi, ɡoʥi desɨ."),
        ("ヴァイオリンとファイル", "vaioɾʲiɴ to ɸaiɾɯ"),
        ("ﾊﾝｶｸ（かっこ）", "haɴ kakɯ (kaʔko)"),
    ],
)
def test_japanese(text: str, signs: str) -> None:
    assert japanese.phonemes(text) == signs


@pytest.mark.parametrize(
    ("text", "language", "signs"),
    [
        ("今天天气很好。", "zh", "ʨi→ntʰjɛ→ntʰjɛ→nʨʰi↘ xə↓n xau↓."),
        ("我用Adobe画图，A4纸。", "zh", "wo↓jʊ↘ŋ ədˈObi xwa↘tʰu↗, ˈA sɨ↘ꭧɨ↓."),
        ("Photoshopを使います。", "ja", "fˈOTəʃˌɑp o ʦɨkaimasɨ."),
        ("He said 你好 to me.", "en", "hˌi sˈɛd ni↓xau↓ tə mˌi."),
        ("Hello there.", "en", "həlˈO ðˈɛɹ."),
    ],
)
def test_languages_may_be_mixed(text: str, language: str, signs: str) -> None:
    assert phonemes(text, language) == signs


def test_respellings_and_signs_of_the_user() -> None:
    lexicon = Lexicon({"SQL": "sequel", "Atelier": "[ˌætəljˈA]", "行": "[xˈaŋ↗]", "cat": "dog", "C++": "see plus plus"})
    assert lexicon.apply("SQL, Sql; cat CAT concat, C++.") == "sequel, Sql; dog dog concat, see plus plus."
    assert phonemes(lexicon.apply("Use it in Atelier, now."), "en") == "jˈuz ɪt ɪn ˌætəljˈA, nˈW."
    assert phonemes(lexicon.apply("银行在Atelier里。"), "zh") == "i↗n xˈaŋ↗ ʦai↘ ˌætəljˈA li↓."
    assert Lexicon({}).apply("SQL") == "SQL"


def test_longer_entries_come_first() -> None:
    assert Lexicon({"New": "noo", "New York": "the city"}).apply("New York, New.") == "the city, noo."


def test_unknown_signs_are_named_with_their_word() -> None:
    lexicon = Lexicon({"fox": "[fˈɑks@]", "dog": "hound"})
    assert lexicon.unknown_signs("The fox and the dog.", set("fˈɑks")) == {"fox": "@"}
    assert lexicon.unknown_signs("The dog.", set()) == {}


def test_marks_in_a_text_are_found() -> None:
    assert list(parts("a [b](/c/) d")) == [("a ", None), ("b", "c"), (" d", None)]
    assert list(parts("[see](http://x.org)")) == [("[see](http://x.org)", None)]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("I have 3 apples.", "I have three apples."),
        ("It cost $1,250 in 1999.", "It cost one thousand, two hundred and fifty dollars in nineteen ninety-nine."),
        ("The 3rd of 12, about 3.14.", "The third of twelve, about three point one four."),
        ("It grew by 25%.", "It grew by twenty-five percent."),
    ],
)
def test_english_in_letters_for_voices_that_know_no_digits(written: str, read: str) -> None:
    assert english.in_letters(written) == read


def test_many_threads_may_read_at_once() -> None:
    expected = phonemes("The colt reared.", "en"), phonemes("今天很好。", "zh")
    wrong: list[str] = []

    def read() -> None:
        for _round in range(20):
            if (phonemes("The colt reared.", "en"), phonemes("今天很好。", "zh")) != expected:
                wrong.append("other signs")

    threads = [threading.Thread(target=read) for _index in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
