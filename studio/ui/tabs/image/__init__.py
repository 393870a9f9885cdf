"""The Image tab: pictures from words, from pictures, and inside a mask."""

from studio.ui.tabs.image.tab import ImageTab

__all__ = ["ImageTab"]
