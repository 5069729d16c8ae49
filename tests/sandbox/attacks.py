"""Ways out of the sandbox, each tried for real in a process of its own. Usage: ``attacks JSON``.

The JSON says which layers are put up, which attacks are tried, and where the room and what lies around it are. Nothing here
imports NumPy: its threads would stay outside.
"""

from __future__ import annotations

import ctypes
import json
import mmap
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from retrain_core import sandbox

NO_RESERVE = 0x4000  # MAP_NORESERVE


@dataclass(frozen=True)
class Around:
    """What an attack aims at; all of it is outside the room."""

    room: str
    canary: str  # a file to read, and to leave alone
    spare: str  # a file to spoil
    outside: str  # a folder to write into
    tcp: int  # ports of listeners
    udp: int
    unix: str  # addresses of listeners
    abstract: str
    victim: int  # a process


def libc_call(name: str, *values: object) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, name)(*values) < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def read(to: Around) -> None:
    Path(to.canary).read_text()


def read_by_input(to: Around) -> None:
    Path(to.room, "..", "canary").read_text()


def list_folder(to: Around) -> None:
    os.listdir(to.outside)


def environment_of_other(to: Around) -> None:
    Path(f"/proc/{to.victim}/environ").read_bytes()


def memory_by_file(to: Around) -> None:
    Path(f"/proc/{to.victim}/mem").open("rb").close()


def write(to: Around) -> None:
    Path(to.outside, "written").write_text("x")


def make_folder(to: Around) -> None:
    Path(to.outside, "made").mkdir()


def append(to: Around) -> None:
    with open(to.spare, "a") as file:
        file.write("x")


def empty(to: Around) -> None:
    os.close(os.open(to.spare, os.O_RDONLY | os.O_TRUNC))


def remove(to: Around) -> None:
    os.unlink(to.spare)


def move_out(to: Around) -> None:
    mine = Path(to.room, "mine")
    mine.write_text("x")
    mine.rename(Path(to.outside, "moved"))


def cut_short(to: Around) -> None:
    os.truncate(to.spare, 0)


def mode(to: Around) -> None:
    os.chmod(to.spare, 0o600)


def times(to: Around) -> None:
    os.utime(to.spare, (1, 1))


def attribute(to: Around) -> None:
    os.setxattr(to.spare, "user.x", b"x")


def symlink(to: Around) -> None:
    os.symlink(to.canary, Path(to.room, "link"))


def hard_link(to: Around) -> None:
    os.link(to.spare, Path(to.room, "hard"))


def pipe(to: Around) -> None:
    os.mkfifo(Path(to.room, "pipe"))


def watch(to: Around) -> None:
    libc_call("inotify_init")


def tcp(to: Around) -> None:
    socket.create_connection(("127.0.0.1", to.tcp), timeout=5).close()


def udp(to: Around) -> None:
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", to.udp))


def unix(to: Around) -> None:
    socket.socket(socket.AF_UNIX).connect(to.unix)


def abstract(to: Around) -> None:
    socket.socket(socket.AF_UNIX).connect("\0" + to.abstract)


def pair(to: Around) -> None:
    socket.socketpair()


def fork(to: Around) -> None:
    if os.fork() == 0:
        os._exit(0)
    os.wait()


def spawn(to: Around) -> None:
    subprocess.run(["/bin/true"], check=True)


def run_program(to: Around) -> None:
    os.execv("/bin/sh", ["sh", "-c", f"echo x > {to.outside}/executed; echo done"])


def send_signal(to: Around) -> None:
    os.kill(to.victim, signal.SIGUSR1)


def trace(to: Around) -> None:
    libc_call("ptrace", 16, to.victim, None, None)  # PTRACE_ATTACH
    os.waitpid(to.victim, 0x40000000)  # __WALL
    libc_call("ptrace", 17, to.victim, None, None)  # PTRACE_DETACH


def memory_by_call(to: Around) -> None:
    class Part(ctypes.Structure):
        _fields_ = (("start", ctypes.c_void_p), ("size", ctypes.c_size_t))

    maps = (
        Path(f"/proc/{to.victim}/maps").read_text().splitlines()
        if Path(f"/proc/{to.victim}").exists()
        else []
    )
    start = int(next(line for line in maps if " rw-p " in line).split("-")[0], 16)
    buffer = ctypes.create_string_buffer(8)
    mine, theirs = Part(ctypes.addressof(buffer), 8), Part(start, 8)
    libc_call("process_vm_readv", to.victim, ctypes.byref(mine), 1, ctypes.byref(theirs), 1, 0)


def limit_of_other(to: Around) -> None:
    resource.prlimit(to.victim, resource.RLIMIT_CORE, (0, 0))


def outlive_runner(to: Around) -> None:
    libc_call("prctl", 1, 0)


def new_namespace(to: Around) -> None:
    libc_call("unshare", 0x10000000)


def new_mounts(to: Around) -> None:
    libc_call("unshare", 0x00020000)


def shared_memory(to: Around) -> None:
    libc_call("shmget", 0, 4096, 0o1600)


def unseen_memory(to: Around) -> None:
    with open(os.memfd_create("unseen"), "wb") as file:
        file.write(bytes(4096))


def memory_of_no_file(to: Around) -> None:
    mmap.mmap(-1, 4096).close()  # shared, as is Python's default


def memory_of_zeros(to: Around) -> None:
    with open("/dev/zero", "rb") as file:
        mmap.mmap(file.fileno(), 4096, prot=mmap.PROT_READ).close()


def rings(to: Around) -> None:
    libc_call("syscall", 425, 1, (ctypes.c_char * 256)())  # io_uring_setup


def keys(to: Around) -> None:
    libc_call(
        "syscall", 250 if os.uname().machine == "x86_64" else 219, 0, -3, 1
    )  # keyctl: the session's keyring


def endless_file(to: Around) -> None:
    with Path(to.room, "endless").open("wb") as file:
        file.truncate(9 * 1024**3)


def endless_memory(to: Around) -> None:
    size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") + 2**30
    mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | NO_RESERVE).close()


def many_files(to: Around) -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (8192, 8192))


def core_dump(to: Around) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (4096, 4096))


def go_last(to: Around) -> None:
    score = Path("/proc/self/oom_score_adj")
    score.write_text(score.read_text())  # the least that all may set is not the same everywhere


Attack = Callable[[Around], None]
# Each with the layers that stop it, any of them alone.
ATTACKS: dict[Attack, tuple[str, ...]] = {
    read: ("landlock",),
    read_by_input: ("landlock",),
    list_folder: ("landlock",),
    environment_of_other: ("namespaces", "landlock"),
    memory_by_file: ("namespaces", "landlock"),
    write: ("landlock",),
    make_folder: ("landlock",),
    append: ("landlock",),
    empty: ("landlock",),
    cut_short: ("landlock", "seccomp"),
    mode: ("seccomp",),
    times: ("seccomp",),
    attribute: ("seccomp",),
    symlink: ("landlock", "seccomp"),
    hard_link: ("landlock", "seccomp"),
    pipe: ("landlock", "seccomp"),
    watch: ("seccomp",),
    tcp: ("namespaces", "landlock", "seccomp"),
    udp: ("namespaces", "seccomp"),
    unix: ("seccomp",),
    abstract: ("namespaces", "landlock", "seccomp"),
    pair: ("seccomp",),
    fork: ("seccomp",),
    spawn: ("landlock", "seccomp"),
    run_program: ("landlock", "seccomp"),
    send_signal: ("landlock", "seccomp"),
    trace: ("landlock", "seccomp"),
    memory_by_call: ("landlock", "seccomp"),
    limit_of_other: ("seccomp",),
    outlive_runner: ("seccomp",),
    new_namespace: ("seccomp",),
    new_mounts: ("capabilities", "seccomp"),
    shared_memory: ("seccomp",),
    unseen_memory: ("seccomp",),
    memory_of_no_file: ("seccomp",),
    memory_of_zeros: ("landlock",),
    rings: ("seccomp",),
    keys: ("seccomp",),
    endless_file: ("limits",),
    endless_memory: ("limits",),
    many_files: ("limits",),
    core_dump: ("limits",),
    go_last: ("landlock",),
    move_out: ("landlock",),
    remove: ("landlock",),
}
NAMES = {attack.__name__: attack for attack in ATTACKS}


def tried(attack: Attack, to: Around) -> str:
    """Return ``done`` if an attack succeeds, else what stopped it."""
    try:
        attack(to)
    except (OSError, MemoryError, ValueError, subprocess.SubprocessError) as error:
        return f"denied: {type(error).__name__}: {error}"
    return "done"


def tried_apart(attack: Attack, to: Around) -> str:
    """Do the same in a fork, if there may be one: what succeeds may end or change the process."""
    told, tells = os.pipe()
    try:
        child = os.fork()
    except OSError:
        return tried(attack, to)
    if child == 0:
        os.dup2(tells, 1)  # a program that takes the place of this one says that it is done
        os.write(1, tried(attack, to).encode())
        os._exit(0)
    os.close(tells)
    os.waitpid(child, 0)
    return os.read(told, 4096).decode().strip()


def main(asked: dict[str, object]) -> None:
    layers, around = asked["layers"], Around(**asked["around"])  # type: ignore[arg-type]
    for name in list(sandbox.LAYERS):
        if name not in layers:  # type: ignore[operator]
            del sandbox.LAYERS[name]
    assert threading.active_count() == 1 and "numpy" not in sys.modules
    locked = sandbox.lock_in(write=Path(around.room), read=[])
    found = {name: tried_apart(NAMES[name], around) for name in asked["attacks"]}  # type: ignore[attr-defined]
    print(json.dumps({"locked": asdict(locked), "found": found}))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
