"""A change that waits for the user's word, and how it is kept with its document."""

from __future__ import annotations

from dataclasses import dataclass

from studio.documents import TextDocument
from studio.documents.proposals import Proposal, context
from studio.ui.tabs.text.desk import Run
from studio.ui.tabs.text.rework_panel import ReworkPanel, Wish


@dataclass
class Pending:
    """`start` to `end` are its old characters while another version is shown; on the page the editor keeps count.
    `text` is what was written so far, as it would be put in."""

    document: TextDocument
    version: str
    start: int
    end: int
    wish: Wish
    append: bool
    title: str
    run: Run | None = None
    text: str = ""

    @property
    def key(self) -> tuple[str, str]:
        return self.document.id, self.version

    @property
    def body(self) -> str:
        """The text of its version; nothing once the version is gone."""
        return next((version.text for version in self.document.versions if version.id == self.version), "")

    def keep(self) -> None:
        """Write it down with the document, where it has words."""
        if self.document.read_only or not self.text.strip() or not self.body:
            return
        old, before = context(self.body, self.start, self.end)
        wish = self.wish
        proposal = Proposal(
            self.version,
            self.start,
            self.end,
            self.text,
            old,
            before,
            self.append,
            wish.action.id,
            wish.tone.id if wish.tone else "",
            wish.words,
            dict(wish.params),
        )
        self.document.set_proposal(self.version, proposal)

    def forget(self) -> None:
        """Take it out of the document."""
        if not self.document.read_only:
            self.document.set_proposal(self.version, None)


def kept(document: TextDocument, version: str, panel: ReworkPanel) -> Pending | None:
    """The change that was kept with a version, at the place where its words are now; one whose place is gone, or whose
    action this release does not know, is given up."""
    proposal = document.proposal(version)
    if proposal is None or document.read_only:
        return None
    wish = panel.wish_of(proposal.action, proposal.tone, proposal.words, proposal.params)
    place = proposal.place(document.version(version).text)
    if wish is None or place is None:
        document.set_proposal(version, None)
        return None
    return Pending(document, version, *place, wish, proposal.append, str(wish.action.title), text=proposal.text)
