"""A reader of pickles that runs nothing: names stay names, calls stay descriptions, and only tensors come out.

This is a machine of our own for the pickle language (https://docs.python.org/3/library/pickletools.html). It imports
no module, looks up no attribute and calls no callable that the file names. What torch writes for plain tensors is
understood; every other name that a file refers to is written down in `found`, also when it was put together from
pieces, and the file is then refused by whoever asked.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from studio.core.errors import AtelierError
from studio.model_manager.trust.reading import BROKEN, CUT_OFF, TOO_LARGE, refused
from studio.model_manager.trust.torch_names import (
    MAKERS,
    Global,
    NotPlain,
    Opaque,
    Wrong,
    is_known,
    plain_key,
    storage_of,
)

MAX_OPCODES = 4_000_000
MAX_BYTES = 256 << 20  # of one pickle; tensors' data is never in it
MAX_LINE = 1 << 16
MAX_FOUND = 12

_MARK = Opaque()


@dataclass
class Machine:
    """Reads pickles from `stream`, one after another. `found` collects the names of what is not plain tensors."""

    path: Path
    stream: BinaryIO
    found: list[str] = field(default_factory=list)

    def load(self) -> Any:
        """What the next pickle holds. Raises `AtelierError` in words for one that is broken or absurd."""
        try:
            return _Run(self).load()
        except (Wrong, ValueError, IndexError, KeyError, TypeError, EOFError, OverflowError) as error:
            if self.found:  # more useful to know than how the file ends
                raise self.refusal() from error
            raise refused(self.path, BROKEN, f"pickle: {error}") from error

    def refusal(self) -> AtelierError:
        return AtelierError("pickle-refused", {"name": self.path.name, "found": self.found})

    def note(self, what: str) -> None:
        name = "".join(character if character.isprintable() else "�" for character in what[:120])
        if name not in self.found and len(self.found) < MAX_FOUND:
            self.found.append(name)


class _Bounded:
    """The stream as `pickletools` needs it: no read is longer than what is sane, so none takes more memory."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._left = MAX_BYTES

    def read(self, count: int) -> bytes:
        if count > self._left:
            raise refused(self._machine.path, TOO_LARGE, f"pickle: a value of {count} bytes")
        self._left -= count
        return self._machine.stream.read(count)

    def readline(self) -> bytes:
        line = self._machine.stream.readline(MAX_LINE)
        self._left -= len(line)
        if len(line) == MAX_LINE or self._left < 0:
            raise refused(self._machine.path, BROKEN, "pickle: a line without end")
        return line


class _Run:
    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}

    def load(self) -> Any:
        steps: dict[str, Callable[[Any], None]] = {
            name[4:]: getattr(self, name) for name in dir(self) if name.startswith("_op_")
        }
        opcodes: Iterator[Any] = pickletools.genops(_Bounded(self.machine))  # type: ignore[arg-type]
        for count, (opcode, argument, _at) in enumerate(opcodes):
            if count > MAX_OPCODES:
                raise refused(self.machine.path, TOO_LARGE, "pickle: too many steps")
            name = opcode.name
            if name == "STOP":
                return self.stack.pop()
            if name in _PUSHES:
                self.stack.append(argument)
            elif name in _PUTS:
                self.memo[argument] = self.stack[-1]
            elif name in _GETS:
                self.stack.append(self.memo[argument])
            elif name in steps:
                steps[name](argument)
            elif name not in _IGNORED:
                raise Wrong(f"opcode {name}")
        raise refused(self.machine.path, CUT_OFF, "pickle: no end")

    # -- plain values -----------------------------------------------------------------------------------------

    def marked(self) -> list[Any]:
        """What lies above the last mark; the mark goes too."""
        at = len(self.stack) - 1
        while self.stack[at] is not _MARK:
            at -= 1
            if at < 0:
                raise Wrong("no mark")
        items = self.stack[at + 1 :]
        del self.stack[at:]
        return items

    def _op_MARK(self, _argument: Any) -> None:
        self.stack.append(_MARK)

    def _op_POP(self, _argument: Any) -> None:
        self.stack.pop()

    def _op_POP_MARK(self, _argument: Any) -> None:
        self.marked()

    def _op_DUP(self, _argument: Any) -> None:
        self.stack.append(self.stack[-1])

    def _op_MEMOIZE(self, _argument: Any) -> None:
        self.memo[len(self.memo)] = self.stack[-1]

    def _op_NONE(self, _argument: Any) -> None:
        self.stack.append(None)

    def _op_NEWTRUE(self, _argument: Any) -> None:
        self.stack.append(True)

    def _op_NEWFALSE(self, _argument: Any) -> None:
        self.stack.append(False)

    def _op_EMPTY_LIST(self, _argument: Any) -> None:
        self.stack.append([])

    def _op_EMPTY_TUPLE(self, _argument: Any) -> None:
        self.stack.append(())

    def _op_EMPTY_DICT(self, _argument: Any) -> None:
        self.stack.append({})

    def _op_EMPTY_SET(self, _argument: Any) -> None:
        self.stack.append(Opaque())

    def _op_LIST(self, _argument: Any) -> None:
        self.stack.append(self.marked())

    def _op_TUPLE(self, _argument: Any) -> None:
        self.stack.append(tuple(self.marked()))

    def _op_FROZENSET(self, _argument: Any) -> None:
        self.marked()
        self.stack.append(Opaque())

    def _op_TUPLE1(self, _argument: Any) -> None:
        self.stack[-1:] = [(self.stack[-1],)]

    def _op_TUPLE2(self, _argument: Any) -> None:
        second, first = self.stack.pop(), self.stack.pop()
        self.stack.append((first, second))

    def _op_TUPLE3(self, _argument: Any) -> None:
        third, second, first = self.stack.pop(), self.stack.pop(), self.stack.pop()
        self.stack.append((first, second, third))

    def _op_DICT(self, _argument: Any) -> None:
        items = self.marked()
        self.stack.append({})
        self.fill(items)

    def _op_APPEND(self, _argument: Any) -> None:
        item = self.stack.pop()
        self.extend([item])

    def _op_APPENDS(self, _argument: Any) -> None:
        self.extend(self.marked())

    def _op_ADDITEMS(self, _argument: Any) -> None:
        self.extend(self.marked())

    def _op_SETITEM(self, _argument: Any) -> None:
        value, key = self.stack.pop(), self.stack.pop()
        self.fill([key, value])

    def _op_SETITEMS(self, _argument: Any) -> None:
        self.fill(self.marked())

    def extend(self, items: list[Any]) -> None:
        target = self.stack[-1]
        if isinstance(target, list):
            target.extend(items)
        elif not isinstance(target, Opaque):
            raise Wrong("items for what takes none")

    def fill(self, items: list[Any]) -> None:
        target = self.stack[-1]
        if len(items) % 2:
            raise Wrong("a key without a value")
        if isinstance(target, dict):
            for key, value in zip(items[::2], items[1::2], strict=True):
                target[plain_key(key)] = value
        elif not isinstance(target, Opaque):
            raise Wrong("items for what takes none")

    # -- names and calls --------------------------------------------------------------------------------------

    def _op_GLOBAL(self, argument: str) -> None:
        module, _space, name = argument.partition(" ")
        self.push_name(module, name)

    def _op_STACK_GLOBAL(self, _argument: Any) -> None:
        name, module = self.stack.pop(), self.stack.pop()
        if not isinstance(name, str) or not isinstance(module, str):
            self.machine.note("STACK_GLOBAL")
            self.stack.append(Opaque())
            return
        self.push_name(module, name)

    def push_name(self, module: str, name: str) -> None:
        value = Global(module, name)
        if not is_known(value):
            self.machine.note(str(value))
        self.stack.append(value)

    def extension(self, argument: int) -> None:
        self.machine.note(f"copyreg.extension {argument}")
        self.stack.append(Opaque())

    _op_EXT1 = _op_EXT2 = _op_EXT4 = extension

    def _op_INST(self, argument: str) -> None:
        arguments = self.marked()
        self._op_GLOBAL(argument)
        self.call(self.stack.pop(), arguments)

    def _op_OBJ(self, _argument: Any) -> None:
        called, *arguments = self.marked()
        self.call(called, arguments)

    def _op_REDUCE(self, _argument: Any) -> None:
        arguments, called = self.stack.pop(), self.stack.pop()
        self.call(called, arguments)

    def _op_NEWOBJ(self, _argument: Any) -> None:
        arguments, called = self.stack.pop(), self.stack.pop()
        self.call(called, arguments)

    def _op_NEWOBJ_EX(self, _argument: Any) -> None:
        _named, arguments, called = self.stack.pop(), self.stack.pop(), self.stack.pop()
        self.call(called, arguments)

    def _op_BUILD(self, _argument: Any) -> None:
        self.stack.pop()  # attributes (of a state dict: the versions of its modules) say nothing about tensors

    def _op_BINPERSID(self, _argument: Any) -> None:
        self.stack.append(storage_of(self.stack.pop()))

    def call(self, called: Any, arguments: Any) -> None:
        """What torch's own functions would make of `arguments`, as a description; anything else stays opaque."""
        maker = MAKERS.get(f"{called.module}.{called.name}") if isinstance(called, Global) else None
        made = maker(*arguments) if maker and isinstance(arguments, list | tuple) else Opaque()
        if isinstance(made, NotPlain):
            self.machine.note(made.what)
        self.stack.append(made)


_PUSHES = frozenset(
    (
        *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"),
        *("STRING", "BINSTRING", "SHORT_BINSTRING", "UNICODE", "SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8"),
        *("BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"),
    )
)
_PUTS = frozenset(("PUT", "BINPUT", "LONG_BINPUT"))
_GETS = frozenset(("GET", "BINGET", "LONG_BINGET"))
_IGNORED = frozenset(("PROTO", "FRAME"))
