"""The Speech tab: texts read aloud."""

from studio.ui.tabs.speech.tab import SpeechTab

__all__ = ["SpeechTab"]
