"""Times, lengths and titles as every tab tells them."""

from __future__ import annotations

import time

from PySide6.QtCore import QDateTime, QLocale

from studio.core.i18n import _, language

TITLE = 48


def about(seconds: float) -> str:
    """ "about 6 s"; nothing for a time that is not known."""
    if seconds < 0:
        return ""
    if seconds < 90:
        return _("about {seconds} s").format(seconds=max(1, round(seconds)))
    return _("about {minutes} min").format(minutes=round(seconds / 60))


def left(seconds: float) -> str:
    """ "6 s left"; nothing for a time that is not known."""
    if seconds < 0:
        return ""
    if seconds < 90:
        return _("{seconds} s left").format(seconds=max(1, round(seconds)))
    return _("{minutes} min left").format(minutes=round(seconds / 60))


def clock(created: float, now: float | None = None) -> str:
    """ "10:58" today, else the day."""
    now = time.time() if now is None else now
    then, today = QDateTime.fromSecsSinceEpoch(int(created)), QDateTime.fromSecsSinceEpoch(int(now))
    if then.date() == today.date():
        return then.toString("HH:mm")
    locale = QLocale(language())
    return (
        locale.toString(then.date(), _("d MMM"))
        if then.date().year() == today.date().year()
        else then.toString("yyyy-MM-dd")
    )


def day_clock(created: float, now: float | None = None) -> str:
    """ "Today 14:20" or the day with the time, for a line in a conversation."""
    now = time.time() if now is None else now
    then, today = QDateTime.fromSecsSinceEpoch(int(created)), QDateTime.fromSecsSinceEpoch(int(now))
    moment = then.toString("HH:mm")
    if then.date() == today.date():
        return _("Today {time}").format(time=moment)
    return f"{QLocale(language()).toString(then.date(), QLocale.FormatType.LongFormat)} {moment}"


def short_title(text: str, length: int = TITLE) -> str:
    """The first words of `text`, for lists and menus."""
    line = " ".join(text.split())
    if len(line) <= length:
        return line
    cut = line[:length]
    head = cut.rsplit(" ", 1)[0]
    return (head if len(head) > length // 2 else cut).rstrip(",.;:，。；： ") + "…"
