"""From written to spoken: sentences with their places, their language, and numbers, dates, money, units, addresses and
abbreviations as they are read aloud. Rules only; no model and no Qt.
"""

from studio.media.reading.sentences import Sentence, Span, language_of, spans, split

__all__ = ["Sentence", "Span", "language_of", "spans", "split"]
