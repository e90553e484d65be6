"""Run a child process: it receives the signals of this process, and its exit code becomes ours."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence

from mockserver.formats.json import quoted

NOT_FOUND, NOT_EXECUTABLE = 127, 126  # as in shells
_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGBREAK")
_TERMINAL_SIGNALS = ("SIGINT", "SIGQUIT", "SIGBREAK")
_POLL_S = 0.05


class CannotRun(Exception):
    """The command was not started; `code` is the exit code of a shell in that case."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


def end_on_signals() -> None:
    """Exit in good order on a signal, until a command runs that signals are passed on to."""
    _on_signals(lambda number: sys.exit(128 + number))


@contextlib.contextmanager
def terminal_signals_left() -> Iterator[None]:
    """Have threads that start in the block leave the signals of a terminal to `run`."""
    _block(True)
    try:
        yield
    finally:
        _block(False)


def run(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run a command to its end; return its exit code, or 128 plus the number of the signal that ended it.

    The command inherits open files, and receives the signals of this process. Raises CannotRun.
    """
    early: list[int] = []
    _on_signals(early.append)
    process = _started(command, environment)  # which inherits what is blocked
    _block(True)
    _on_signals(lambda number: _pass_on(process, number))
    for number in early:
        _send(process, number)
    code = _ended(process)
    _block(False)
    return code if code >= 0 else 128 - code


def _waited_for() -> list[int]:
    """The signals of a terminal that `_ended` waits for, because only so their sender can be learned; none on macOS."""
    if not hasattr(signal, "sigtimedwait"):
        return []
    numbers = (signal.SIGINT, signal.SIGQUIT)
    return [number for number in numbers if signal.getsignal(number) is not signal.SIG_IGN]


def _block(blocked: bool) -> None:
    if numbers := _waited_for():
        signal.pthread_sigmask(signal.SIG_BLOCK if blocked else signal.SIG_UNBLOCK, numbers)


def _on_signals(act: Callable[[int], object]) -> None:
    for name in _SIGNALS:
        number = getattr(signal, name, None)
        # Signals that this process ignores, because of nohup for example, stay ignored in the command.
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, lambda number, _: act(number))


def _started(command: Sequence[str], environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    if hasattr(signal, "SIGCHLD"):
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # if ignored, the exit code of the command is lost
    # CreateProcess does not find scripts on PATH, such as npm.cmd.
    program = (shutil.which(command[0]) or command[0]) if os.name == "nt" else command[0]
    try:
        # The command inherits open files, such as those of a shell's <(...).
        return subprocess.Popen([program, *command[1:]], env=environment, close_fds=False)  # noqa: S603 (its purpose)
    except OSError as error:
        raise _refusal(command[0], error) from None


def _refusal(name: str, error: OSError) -> CannotRun:
    missing = isinstance(error, FileNotFoundError)
    if missing and not shutil.which(name):
        return CannotRun(f"{quoted(name)} is neither a command on PATH nor a file", NOT_FOUND)
    cause = "the interpreter that its first line names is missing" if missing else error.strerror
    return CannotRun(f"{quoted(name)} cannot be executed: {cause}", NOT_EXECUTABLE)


def _ended(process: subprocess.Popen[bytes]) -> int:
    """Wait for the end of the command, and pass on the signals of a terminal that were sent to this process alone."""
    numbers = _waited_for()
    while numbers and process.poll() is None:
        # With a timeout: a signal that another thread receives does not wake this one, which runs the handler.
        received = signal.sigtimedwait(numbers, _POLL_S)
        if received and (_has_sender(received) or not _in_the_foreground()):
            _send(process, received.si_signo)
    while True:
        with contextlib.suppress(subprocess.TimeoutExpired):
            return process.wait(timeout=1)


def _has_sender(received: signal.struct_siginfo) -> bool:
    """Test for a signal of a process; those of a terminal come from the kernel."""
    return received.si_code <= 0 or received.si_pid != 0


def _pass_on(process: subprocess.Popen[bytes], number: int) -> None:
    if signal.Signals(number).name not in _TERMINAL_SIGNALS or not _in_the_foreground():
        _send(process, number)


def _send(process: subprocess.Popen[bytes], number: int) -> None:
    with contextlib.suppress(OSError):  # it may run as another user
        process.send_signal(number)


def _in_the_foreground() -> bool:
    """Test for a terminal that has signalled the command itself: Ctrl-C signals the whole foreground group."""
    if not hasattr(os, "tcgetpgrp"):
        return True  # a console of Windows signals the whole group too
    with contextlib.suppress(OSError):  # there is no terminal
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY)
        try:
            return os.tcgetpgrp(terminal) == os.getpgrp()
        finally:
            os.close(terminal)
    return False
