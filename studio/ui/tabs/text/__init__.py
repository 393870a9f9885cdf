"""The Text tab: write, rework, chat."""

from studio.ui.tabs.text.tab import TextTab

__all__ = ["TextTab"]
