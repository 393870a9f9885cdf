"""Errors that have words. A code and its arguments travel; sentences are made where they are shown.

Three kinds are kept apart: `AtelierError` (something the user can understand and act on), `Cancelled` (the user's
own wish, never an error) and everything else, which is a bug and is reported as "internal".
"""

from __future__ import annotations

import errno
import re
from dataclasses import dataclass, field
from typing import Any

from studio.core.i18n import N_, _, sentences


class Cancelled(Exception):
    """Raised by `Context.check_cancel`; unwinds a job that the user stopped."""


@dataclass(eq=False)
class AtelierError(Exception):
    """A failure with a code of `MESSAGES`; `arguments` are JSON values that fill the sentences.

    `details` is for the fold-out and the log (a traceback, a library's own words), never the main text.
    """

    code: str
    arguments: dict[str, Any] = field(default_factory=dict)
    details: str = ""

    def __post_init__(self) -> None:
        super().__init__(self.code)

    def __str__(self) -> str:
        return explain(self.code, self.arguments).text


class InvalidInput(AtelierError):
    """The request itself is wrong (exit code 2 on the command line). `parameter` names the field at fault."""

    @property
    def parameter(self) -> str:
        return str(self.arguments.get("parameter", ""))


@dataclass(frozen=True)
class Explanation:
    """Words for a person: what happened; what it means and what to do."""

    title: str
    body: str

    @property
    def text(self) -> str:
        return sentences(self.title, self.body)


# code: (what happened, what it means and what to do)
MESSAGES: dict[str, tuple[str, str]] = {
    "internal": (
        N_("Something went wrong inside Atelier."),
        N_("Nothing you made is lost. Try again; if it happens again, save a report from Help and send it to us."),
    ),
    "prompt-empty": (
        N_("There is no text to work from."),
        N_("Write a few words in the prompt, then try again."),
    ),
    "text-too-long": (
        N_("The text is too long: {count} characters."),
        N_("This field takes up to {limit}. Shorten it, or work on it in parts."),
    ),
    "text-not-clean": (
        N_("The text holds characters that cannot be used (position {position})."),
        N_("They are control characters or broken Unicode, often from a damaged file. Remove them and try again."),
    ),
    "value-out-of-range": (N_("{label} is {value}."), N_("It can be {minimum} to {maximum}.")),
    "value-not-number": (
        N_("{label} is not a number: {value}."),
        N_("Write a number from {minimum} to {maximum}."),
    ),
    "value-not-choice": (N_("{label} cannot be {value}."), N_("Choose one of: {choices}.")),
    "value-wrong-kind": (
        N_("{label} has a value of the wrong kind: {value}."),
        N_("Check it and try again."),
    ),
    "parameter-unknown": (
        N_("{parameter} is not a setting of this model."),
        N_("Its settings are: {choices}."),
    ),
    "task-unknown": (N_("This model cannot do that ({task})."), N_("It can do: {choices}.")),
    "family-unknown": (
        N_("No kind of model is called {family}."),
        N_("This release knows: {choices}. A newer release of Atelier may know more."),
    ),
    "rows-too-many": (
        N_("There are too many entries: {count}."),
        N_("There can be up to {limit}. Work on it in parts."),
    ),
    "model-unknown": (
        N_("No model is called {model}."),
        N_("Choose one of the installed models: {choices}."),
    ),
    "model-not-installed": (
        N_("{model} is not installed."),
        N_("Install it first, or choose another model."),
    ),
    "model-none": (
        N_("No model on this computer can do this: {task}."),
        N_("Download one first; the Models tab and “atelier models list” show which there are."),
    ),
    "model-files-missing": (
        N_("Files of {model} are missing or damaged: {files}."),
        N_("Install the model again, or choose another one. Nothing else is affected."),
    ),
    "model-not-readable": (
        N_("{model} could not be loaded."),
        N_("Its files may be damaged or of a kind this release does not know. Install it again or choose another."),
    ),
    "model-refused": (
        N_("{name} was not accepted."),
        N_("{reason} The file may be damaged or harmful; nothing of it was used. Get it again from a safe source."),
    ),
    "model-too-much": (
        N_("{name} could not be read within safe limits of memory and time."),
        N_("No real model needs that much to be looked at. Get the file again from a source you trust."),
    ),
    "model-file-unknown": (
        N_("{name} is not a model that Atelier knows."),
        N_("It takes checkpoints and LoRAs (.safetensors), text models (.gguf), soundfonts (.sf2, .sf3) and folders."),
    ),
    "not-plain-file": (
        N_("{name} is not an ordinary file."),
        N_("Devices, pipes and the like are never opened. Choose a model's file or folder."),
    ),
    "pickle-refused": (
        N_("{name} holds more than plain weights, and could run programs when opened: {found}."),
        N_("It was not opened. Look for the same model as .safetensors, or ask its author for one."),
    ),
    "pickle-unconverted": (
        N_("{name} is of a kind that can run programs when opened."),
        N_("Convert it: its weights are read safely and kept as .safetensors, and nothing in it is run."),
    ),
    "text-model-alone": (
        N_("{name} holds the weights of a text model, but its configuration and tokenizer are missing."),
        N_("Add the whole folder that it came in, or get the same model as one .gguf file."),
    ),
    "repository-incomplete": (
        N_("{name} is not a whole model: {files}."),
        N_("Get the files that are missing into this folder, then try again."),
    ),
    "model-twice": (
        N_("{name} is there already as {model}."),
        N_("The two are the same, byte for byte. Nothing was copied."),
    ),
    "import-no-room": (
        N_("There is not enough room for {name} in {path}."),
        N_("Free some space, then try again. The original was not touched."),
    ),
    "model-pickled": (
        N_("{model} is kept in a format that can run code when it is opened."),
        N_("Atelier does not open such files. Convert it on the Models tab: only its numbers are copied then."),
    ),
    "model-needs-code": (
        N_("{model} would have to run a program of its own."),
        N_("Atelier runs no code that comes with a model. Choose another one that does the same."),
    ),
    "model-kind-unknown": (
        N_("No part of this release can use {model}."),
        N_("Its kind is not known here yet. Keep it for a later release, or remove it to free its space."),
    ),
    "model-incomplete": (
        N_("Files of {model} are missing or cannot be read."),
        N_("Add the whole model again, or remove what is left of it to free its space."),
    ),
    "gguf-writes-nothing": (
        N_("{model} is a GGUF file that cannot write text here."),
        N_("Its tokenizer is missing, or it is only a part of a model. Remove it to free its space."),
    ),
    "gguf-damaged": (
        N_("{model} cannot be read: its file is damaged, or newer than this release."),
        N_("It is not opened. Remove it to free its space, and get it again or choose another one."),
    ),
    "model-in-use": (
        N_("{model} is loaded right now."),
        N_("To unload it, open the memory display at the top of the window and press Unload there, then remove it."),
    ),
    "model-not-ours": (
        N_("{model} belongs to another program."),
        N_("Atelier uses it in place and never removes it. Take its folder off the list instead, or remove it there."),
    ),
    "part-missing": (
        N_("A part of Atelier that runs {model} is missing on this computer."),
        N_("Run the set-up again to put it back; the details name the part. The model itself is untouched."),
    ),
    "starter-missing": (
        N_("The built-in models are not on this computer."),
        N_("Run the set-up again to put them back; what you made is untouched."),
    ),
    "starter-damaged": (
        N_("A built-in model did not arrive intact: {files}."),
        N_("Run the set-up again; a damaged file is never used."),
    ),
    "nothing-written": (
        N_("The model added nothing."),
        N_("Try another seed, change the prompt, or give the text a beginning to go on from."),
    ),
    "speech-nothing-to-say": (
        N_("There is nothing to say: the text holds no letter and no digit."),
        N_("Write a few words, then try again."),
    ),
    "voice-unknown": (
        N_("No voice is called {voice}."),
        N_("This model's voices are: {choices}."),
    ),
    "voice-blend": (
        N_("These voices cannot be blended: {voice}."),
        N_("Write two voices of this model with their shares, as in {example}."),
    ),
    "voice-language": (
        N_("{voice} cannot speak {language}: “{text}”."),
        N_("Voices that can: {choices}. Choose one of them for this sentence, or change its language."),
    ),
    "voice-language-none": (
        N_("No voice on this computer can speak this: “{text}”."),
        N_("The voices here read {choices}. Install a model for this language, or take the sentence out."),
    ),
    "language-unknown": (
        N_("No voice on this computer can speak the language {language}."),
        N_("There are voices for: {choices}; auto tells the language by the script of each sentence."),
    ),
    "voice-needs-tool": (
        N_("{model} needs {tool}, a program that spells out its text."),
        N_("It cannot come with Atelier. Choose another model for this language."),
    ),
    "speech-not-spoken": (
        N_("The model found nothing in this text that it can say."),
        N_("It may be written in another script than the voice reads. Choose another voice, or write it differently."),
    ),
    "phonemes-unknown": (
        N_("The pronunciation of {word} has signs that this voice does not know: {signs}."),
        N_("Write how it sounds in ordinary letters, or use the phonetic signs that the voice knows."),
    ),
    "context-full": (
        N_("The text no longer fits this model: {count} of {limit} tokens."),
        N_("Shorten the text or the instructions, ask for fewer words, or choose a model with a larger context."),
    ),
    "size-not-multiple": (
        N_("{label} is {value}, which is no multiple of {step}."),
        N_("The nearest that this model can make are {lower} and {upper}."),
    ),
    "input-missing": (
        N_("There is no picture to work on ({role})."),
        N_("Choose one, then try again."),
    ),
    "picture-not-readable": (
        N_("This file is not a picture that can be read: {path}."),
        N_("It may be damaged, too large, or of another kind than its name says. Choose another picture."),
    ),
    "picture-damaged": (
        N_("This picture is damaged: {path}."),
        N_("It may not have been copied or downloaded completely. Get it again, or choose another one."),
    ),
    "picture-too-large": (
        N_("This picture is too large: {width} × {height} px."),
        N_("It can have up to {limit} million pixels and {side} px a side. Make it smaller in another program first."),
    ),
    "crop-outside": (
        N_("Nothing of the picture is inside this part: {width} × {height} px from {left}, {top}."),
        N_("Draw the rectangle over the picture."),
    ),
    "levels-wrong": (
        N_("These levels cannot be used: {black} to {white}."),
        N_("They go from 0 to 255, black below white, and the middle is bent by 0.1 to 10."),
    ),
    "background-not-plain": (
        N_("The background of this picture is not of one colour."),
        N_("Use a model that finds the subject by itself, or allow for more difference between colours."),
    ),
    "mask-size": (
        N_("The mask is {mask}, and the picture {picture}."),
        N_("Both must have the same size. Paint the mask again on this picture."),
    ),
    "mask-empty": (
        N_("The mask marks nothing."),
        N_("Paint over what is to be drawn anew, then try again."),
    ),
    "wildcard-unknown": (
        N_("There is no list called {name} for __{name}__."),
        N_("There are: {choices}. A list is a text file with one entry on each line."),
    ),
    "prompt-too-deep": (
        N_("The choices in the prompt lead to one another without end."),
        N_("A list may name itself. Change the list or the prompt."),
    ),
    "scheduler-not-suitable": (
        N_("{scheduler} does not suit this model."),
        N_("Choose one of: {choices}; or leave the choice to the model."),
    ),
    "addition-not-suitable": (
        N_("{name} was made for {its}, and this model is {base}."),
        N_("Choose another one, or another model."),
    ),
    "addition-unreadable": (
        N_("{name} could not be used with this model."),
        N_("Its file may be damaged, or of a kind that this release does not know. Choose another one."),
    ),
    "addition-alone": (
        N_("{name} makes no pictures by itself."),
        N_("Add it to a model that it was made for."),
    ),
    "addition-not-possible": (
        N_("This kind of model cannot work with {name}."),
        N_("Remove it, or choose another model."),
    ),
    "out-of-memory": (
        N_("There was not enough memory on {device}."),
        N_("Make something smaller, choose a smaller model, or close other programs. The queue goes on."),
    ),
    "engine-crashed": (
        N_("The engine stopped in the middle of this job."),
        N_("It was started again and the queue goes on. Try the job again; the report has the details."),
    ),
    "engine-unavailable": (
        N_("The engine stopped {count} times within a few minutes, so it was not started again."),
        N_("Waiting jobs are kept. Restart the engine from the queue, or restart Atelier."),
    ),
    "engine-hung": (
        N_("The engine has not answered for {seconds} s."),
        N_("Wait for it, or stop the job; the queue then goes on."),
    ),
    "interrupted": (
        N_("Atelier was closed while this was being made."),
        N_("Start it again from the queue, or remove it."),
    ),
    "disk-full": (
        N_("The disk is full: {path}."),
        N_("Free some space or choose another folder, then try again. What was made so far is kept."),
    ),
    "not-writable": (
        N_("Atelier may not write here: {path}."),
        N_("Choose another folder, or ask for the right to write in this one."),
    ),
    "folder-missing": (
        N_("This folder does not exist: {path}."),
        N_("Create it, or choose another one."),
    ),
    "is-a-folder": (N_("This is a folder, not a file: {path}."), N_("Give the name of a file.")),
    "not-a-file": (N_("This is a device, not a file: {path}."), N_("Give the name of a file.")),
    "file-missing": (
        N_("This file is not there any more: {path}."),
        N_("It may have been moved or renamed. Choose it again."),
    ),
    "file-unreadable": (
        N_("This file cannot be read: {path}."),
        N_("It may be damaged or locked by another program."),
    ),
    "sound-unreadable": (
        N_("This file is not a sound that can be read: {path}."),
        N_("It may be damaged, or of another kind than its name says. Choose another file."),
    ),
    "sound-empty": (N_("This sound file is empty: {path}."), N_("Choose another file.")),
    "sound-not-written": (
        N_("The sound could not be written: {path}."),
        N_("The disk may be full. Free some space or choose another folder, then try again."),
    ),
    "format-unknown": (
        N_("Files ending in {suffix} cannot be written here."),
        N_("Use one of: {choices}."),
    ),
    "database-newer": (
        N_("Your library was last used by a newer release of Atelier."),
        N_("Update Atelier to open it. Nothing was changed; your files are in {path}."),
    ),
    "database-damaged": (
        N_("The index of your library was damaged."),
        N_("It was built again from your files; the damaged one is kept as {path}."),
    ),
    "queue-damaged": (
        N_("The list of waiting jobs was damaged."),
        N_("It was started again, empty; the damaged one is kept as {path}. Finished results are not affected."),
    ),
    "queue-newer": (
        N_("The list of waiting jobs was last used by a newer release of Atelier."),
        N_("Update Atelier to open it. Nothing was changed; the list is {path}."),
    ),
    "queue-unreadable": (
        N_("The list of waiting jobs cannot be used right now: {path}."),
        N_("Another program may be holding it, or its disk may be out of reach. Try again; nothing is lost."),
    ),
    "job-unknown": (
        N_("There is no job {job} in the queue."),
        N_("It may have been removed. The list shows what is there."),
    ),
    "settings-damaged": (
        N_("Your settings could not be read."),
        N_("Atelier started with the usual ones; the old file is kept as {path}."),
    ),
    "document-damaged": (
        N_("This document could not be read: {path}."),
        N_("It was left as it is. An earlier version may be beside it."),
    ),
    "document-newer": (
        N_("This document was saved by a newer release of Atelier: {path}."),
        N_("Update Atelier to open it. It was left as it is."),
    ),
    "document-open": (
        N_("{title} is open in another window of Atelier."),
        N_("You can read it here. To change it, close it there, or work on a copy."),
    ),
    "name-empty": (N_("A name is needed."), N_("Write at least one letter or digit.")),
    "trash-failed": (
        N_("This file could not be moved to the trash: {path}."),
        N_("It is still where it was. Another program may be using it, or this disk has no trash."),
    ),
    "training-recipe-unknown": (
        N_("No recipe is called {name}."),
        N_("There are: {choices}. A file of your own ends in .toml."),
    ),
    "training-recipe-wrong": (
        N_("This recipe has a value that is missing, unknown or out of range: {reason}."),
        N_("Compare {path} with the recipes that come with Atelier."),
    ),
    "training-no-pictures": (
        N_("There are no pictures to learn from: {path}."),
        N_("Choose a folder with PNG, WebP or JPEG pictures and their descriptions."),
    ),
    "training-no-text-encoder": (
        N_("The text encoder that this recipe needs is not on this computer: {path}."),
        N_("Run the set-up again, or give the folder of another one."),
    ),
    "training-name-taken": (
        N_("There is a model of this name already: {path}."),
        N_("Choose another name."),
    ),
    "training-begun": (
        N_("A training of this name was begun already: {path}."),
        N_("Go on with it (--resume), or choose another name."),
    ),
    "training-not-begun": (
        N_("There is no training of this name to go on with: {path}."),
        N_("Check the name, or start it anew."),
    ),
    "training-not-resumable": (
        N_("This training cannot be taken up again: {path}."),
        N_("It was begun with another recipe, or its file is damaged. Start it anew under another name."),
    ),
    "training-diverged": (
        N_("The training ran out of bounds at step {step} ({stage})."),
        N_("Lower the learning rate of this stage in the recipe. The last checkpoint is kept."),
    ),
    "training-crashed": (
        N_("The training stopped unexpectedly."),
        N_("What it had learned up to its last checkpoint is kept; --resume goes on from there."),
    ),
    "recipe-unreadable": (
        N_("This file carries no recipe that Atelier can read: {path}."),
        N_("Only files made by Atelier or a studio of a known format restore their settings."),
    ),
    "hub-offline": (
        N_("Atelier is set to stay offline."),
        N_("What is installed works as before. To search and download, switch offline off in the settings."),
    ),
    "hub-unreachable": (
        N_("{host} cannot be reached."),
        N_("Check the internet connection, and the mirror and proxy in the settings."),
    ),
    "hub-interrupted": (
        N_("The connection to {host} keeps breaking off."),
        N_("Try again when the connection is better; a download goes on where it stopped."),
    ),
    "hub-busy": (
        N_("{host} is too busy at the moment."),
        N_("Too many ask it at once, or it was asked too often. Try again in some minutes."),
    ),
    "hub-out-of-order": (
        N_("{host} is out of order at the moment (error {status})."),
        N_("This is not on your side. Try again later, or use a mirror."),
    ),
    "hub-certificate": (
        N_("{host} could not prove that it is {host}."),
        N_("Somebody may be listening, or the clock of this computer is wrong. In a company, ask for its certificate."),
    ),
    "hub-proxy": (
        N_("The proxy {proxy} does not let Atelier through."),
        N_("Check its address, name and password in the settings. Its address must begin with http://."),
    ),
    "hub-endpoint": (
        N_("This is not the address of a model hub: {address}."),
        N_("It looks like {example}. Change it in the settings, or leave it empty to use the hub itself."),
    ),
    "hub-strange": (
        N_("{host} does not answer as a model hub does."),
        N_("A sign-in page of the network may stand in between, or the mirror in the settings is not one."),
    ),
    "hub-redirect": (
        N_("{host} sent Atelier to a place where it does not go."),
        N_("The download was stopped to be safe. Check the mirror and the proxy in the settings."),
    ),
    "hub-gated": (
        N_("The terms of {model} must be accepted first."),
        N_("Open {url}, sign in and accept them, and put your token into the settings. Then resume the download."),
    ),
    "hub-private": (
        N_("{model} is not open to everybody, or does not exist."),
        N_("Check its name. If you may use it, put your token of the hub into the settings."),
    ),
    "hub-missing": (
        N_("The hub has nothing called {model}."),
        N_("It may have been renamed or withdrawn. What is on this computer is not affected."),
    ),
    "hub-forbidden": (
        N_("The hub does not give {model} to you."),
        N_("Its owner may have closed it, or your token lacks the right to read it. The details have the hub’s words."),
    ),
    "hub-token": (
        N_("{host} does not accept your token."),
        N_("It may have expired or been revoked. Make a new one on the hub and put it into the settings."),
    ),
    "hub-token-form": (
        N_("This is not a token."),
        N_("A token is one word of letters, digits and signs. Copy it again from the hub, without spaces."),
    ),
    "hub-token-unsafe": (
        N_("{host} is reached without encryption, so no token is sent to it."),
        N_("Anybody on the way could read it. Write the mirror’s address with https:// in the settings."),
    ),
    "hub-unsafe-name": (
        N_("{model} has a file with an unsafe name: {file}."),
        N_("It could be written outside the models folder, so nothing of this model is downloaded."),
    ),
    "hub-too-large": (
        N_("{file} of {model} is larger than it should be."),
        N_("Such a file is not read, to be safe. Choose another model."),
    ),
    "download-damaged": (
        N_("{file} arrived damaged twice."),
        N_("It was thrown away. Try again later, or use another mirror; a damaged file is never used."),
    ),
    "download-changed": (
        N_("{file} is not the same on the hub any more."),
        N_("Start the download again to get the model as it is now."),
    ),
    "download-no-room": (
        N_("There is no room for {model}: it needs {need}, and {room} are free."),
        N_("Free some space on the disk of {path}, then resume the download."),
    ),
    "download-over-limit": (
        N_("{model} needs {need}, and the limit for models leaves {room}."),
        N_("Remove models, or raise the limit in the settings, then resume the download."),
    ),
    "download-elsewhere": (
        N_("Another window or command is downloading this model."),
        N_("This one waits for it, and goes on by itself if the other one stops."),
    ),
    "remove-downloading": (
        N_("Another window or command is downloading {model}."),
        N_("Nothing was removed. Stop that download, or wait for its end, then remove it."),
    ),
    "download-disk-full": (
        N_("The disk with the models is full: {path}."),
        N_("Free some space on it, then resume the download: it goes on where it stopped."),
    ),
    "download-removed": (
        N_("{model} was removed while it was being downloaded."),
        N_("Download it again if you want it."),
    ),
    "activity-unknown": (
        N_("This work is not there any more."),
        N_("It may have been removed. The list shows what is there."),
    ),
    "hub-file-missing": (
        N_("The hub does not have these files of the model any more: {files}."),
        N_("Its owner may have changed them. Choose another model, or another file of it."),
    ),
    "hub-no-weights": (
        N_("{model} has no weights that can be loaded safely."),
        N_("Models are loaded from safetensors and GGUF files only; other kinds can run code. Choose another model."),
    ),
    "hub-not-usable": (
        N_("Atelier cannot use {model}."),
        N_("This release does not know its kind. A newer release may; the catalogue shows what works now."),
    ),
    "models-crashed": (
        N_("The part of Atelier that looks after models stopped."),
        N_("It was started again and downloads go on. Try again; the report has the details."),
    ),
    "models-unavailable": (
        N_("The part of Atelier that looks after models does not start."),
        N_("Downloads are kept. Restart Atelier; if it happens again, save a report from Help and send it to us."),
    ),
}


def explain(code: str, arguments: dict[str, Any] | None = None) -> Explanation:
    """The sentences for `code` in the user's language; an unknown code reads as "internal"."""
    title, body = MESSAGES.get(code, MESSAGES["internal"])
    values = _Values({key: _shown(value) for key, value in (arguments or {}).items()})
    return Explanation(_(title).format_map(values), _(body).format_map(values))


def from_os_error(error: OSError, path: object = "") -> AtelierError:
    """The environment error behind an `OSError` (disk full, no right, missing), keeping its text as details."""
    where = str(path or error.filename or "")
    codes = {
        errno.ENOSPC: "disk-full",
        errno.EDQUOT: "disk-full",
        errno.EACCES: "not-writable",
        errno.EPERM: "not-writable",
        errno.EROFS: "not-writable",
        errno.EISDIR: "is-a-folder",
        errno.ENOENT: "file-missing",
        errno.ENOTDIR: "folder-missing",
    }
    return AtelierError(codes.get(error.errno or 0, "file-unreadable"), {"path": where}, details=str(error))


class _Values(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return "…"


# What a job is still making lies in `<results>/.staging/<job>/`, which is no place of the user's.
_STAGING = re.compile(r"[/\\]\.staging(?:[/\\].*)?$", re.DOTALL)


def _shown(value: Any) -> str:
    if isinstance(value, list | tuple):
        return _(", ").join(_shown(item) for item in value)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 10_000:
        return f"{value:,}"
    return _(_STAGING.sub("", value)) if isinstance(value, str) else str(value)
