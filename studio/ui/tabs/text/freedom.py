"""The temperature, under the name that it has in every mode."""

from __future__ import annotations

from studio.core.i18n import _
from studio.ui.widgets.sliders import SliderRow


def freedom_row(usual: float) -> SliderRow:
    """A slider for the temperature; double-clicked it goes back to `usual`."""
    tooltip = _("Low stays with what is expected, high surprises. This is the temperature.")
    return SliderRow(_("Freedom"), 0, 2, usual, step=0.05, decimals=2, tooltip=tooltip)
