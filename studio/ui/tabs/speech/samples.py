"""What there is to begin with: three short texts, in the window's language."""

from __future__ import annotations

from dataclasses import dataclass

from studio.core.i18n import _


@dataclass(frozen=True)
class SampleText:
    title: str
    icon: str
    text: str


# Spoken, not shown as words of the program: the texts are chosen by language, not translated.
_TEXTS = {
    "en": (
        "Welcome to the hall of paper lanterns. Every lantern here was folded by hand from a single sheet of mulberry "
        "paper. Walk slowly, and see the colours change as the light passes through the folds. When you are ready, "
        "follow the sound of water to the garden.",
        "Good morning. The ten past nine train to the coast now leaves from platform four. It stops at all stations. "
        "Please mind the gap, and keep your bags with you.",
        "Once there was a fox who could not sleep. She counted the stars, but there were too many. So she asked the "
        "river to sing, and the river sang. And before the second song was over, the fox was fast asleep.",
    ),
    "zh": (
        "欢迎来到纸灯笼展厅。这里的每一盏灯笼，都是用一张桑皮纸亲手折成的。请慢慢走，看光穿过折痕时颜色怎样变化。准备好以后，循着水声到花园去。",
        "各位旅客早上好。九点十分开往海边的列车，现在改在四号站台发车，沿途各站都停。请注意站台间隙，带好随身行李。",
        "从前有一只睡不着的狐狸。她数星星，可是星星太多了。于是她请小河唱歌，小河就唱了起来。第二首还没唱完，狐狸已经睡着了。",
    ),
}


def samples(language: str) -> list[SampleText]:
    """Texts in the language of the window ("en", "zh_CN")."""
    texts = _TEXTS.get(language[:2], _TEXTS["en"])
    titles = (_("Audio guide"), _("Announcement"), _("Bedtime story"))
    icons = ("headphones", "megaphone", "moon-stars")
    return [SampleText(*parts) for parts in zip(titles, icons, texts, strict=True)]
