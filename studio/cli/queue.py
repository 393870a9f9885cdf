"""`atelier queue`: the jobs that wait, run, or have ended, also those of a window that is open."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence

from studio.cli.commands import DONE, Desk, show_help
from studio.cli.flags import HELP, Flag, Usage, choose, describe, parse
from studio.cli.work import engine_of
from studio.client.lease import COMMAND, Owner
from studio.client.queue import JobQueue
from studio.core.errors import explain
from studio.core.i18n import N_, _, n_
from studio.core.jobs import Job, JobState
from studio.library import Library

_ACTIONS = ("list", "cancel", "retry", "clear")
_SHORT = 8
_STATES = {
    JobState.QUEUED: N_("waiting"),
    JobState.RUNNING: N_("running"),
    JobState.PRODUCED: N_("not filed yet"),
    JobState.FILED: N_("done"),
    JobState.FAILED: N_("failed"),
    JobState.CANCELLED: N_("stopped"),
    JobState.INTERRUPTED: N_("interrupted"),
}


def main(arguments: Sequence[str], desk: Desk) -> int:
    flags = [
        Flag("--waiting", _("With clear: the waiting jobs too.")),
        Flag("--json", _("Print one JSON list.")),
        Flag(HELP, _("Show this help."), short="-h"),
    ]
    options = parse(arguments, flags)
    if options.has("help"):
        return show_help(desk, "atelier queue list|cancel ID...|retry ID...|clear [...]", describe(flags))
    action, *ids = options.words or ("list",)
    choose(action, _ACTIONS, _("The queue has no command {word}."))
    if action in ("cancel", "retry") and not ids:
        raise Usage(_("Say which: give the beginning of an id from the list."))
    if action in ("list", "clear") and ids:
        raise Usage(_("This command takes no names."))
    library = Library(desk.settings.values.results)
    try:
        jobs = JobQueue(engine_of(desk.settings), library, owner=Owner.current(COMMAND))
    except BaseException:
        library.close()
        raise
    try:
        if jobs.problem:
            desk.console.err(str(jobs.problem))
        _act(action, ids, jobs, desk, options.has("json"), options.has("waiting"))
        return DONE
    finally:
        jobs.stop()
        library.close()


def _act(action: str, ids: list[str], jobs: JobQueue, desk: Desk, as_json: bool, waiting: bool) -> None:
    if action == "list":
        _list(jobs.jobs(), desk, as_json)
        return
    jobs.recover()
    if action == "clear":
        gone = [job for job in jobs.jobs() if job.state.ended or (waiting and job.state is JobState.QUEUED)]
        for job in gone:
            jobs.cancel(job.id)
            jobs.remove(job.id)
        desk.console.err(
            n_("Removed {count} job from the list.", "Removed {count} jobs from the list.", len(gone)).format(
                count=len(gone)
            )
        )
    else:
        for job in [_find(jobs, beginning) for beginning in ids]:
            if action == "cancel":
                jobs.cancel(job.id)
            else:
                again = jobs.retry(job.id)
                desk.console.out(again.id)
                desk.console.err(_("It runs as soon as Atelier's window is open."))


def _find(jobs: JobQueue, beginning: str) -> Job:
    found = [job for job in jobs.jobs() if job.id.startswith(beginning)]
    if len(found) != 1:
        raise Usage(_("No job, or more than one, has an id that begins with {word}.").format(word=beginning))
    return found[0]


def _list(jobs: list[Job], desk: Desk, as_json: bool) -> None:
    if as_json:
        rows = [
            {
                "id": job.id,
                "state": job.state,
                "created": job.created,
                "medium": job.request.medium,
                "family": job.request.family,
                "model": job.request.model,
                "task": job.request.task,
                "title": job.request.title,
                "seconds": job.seconds,
                "failure": vars(job.failure) if job.failure else None,
            }
            for job in jobs
        ]
        desk.console.out(json.dumps(rows, indent=1, default=str))
        return
    if not jobs:
        desk.console.err(_("The queue is empty."))
    desk.console.table(
        [
            (
                job.id[:_SHORT],
                time.strftime("%Y-%m-%d %H:%M", time.localtime(job.created)),
                _(_STATES[job.state]),
                job.request.medium,
                job.request.model,
                explain(job.failure.code, dict(job.failure.arguments)).title if job.failure else job.request.title,
            )
            for job in jobs
        ]
    )
