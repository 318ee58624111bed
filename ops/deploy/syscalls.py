"""The filter of a confined sender's system calls, as the kernel takes it: classic BPF over ``struct seccomp_data``.

Rules
  1. Sockets are of the unix kind and of no other. io_uring, which makes sockets past a filter, is not there.
  2. What loads code into the kernel, looks into other processes, mounts, or changes namespaces is not there.
  3. A call in the numbers of another architecture ends the process: those numbers mean something else.

``kubernetes/sender-seccomp.json`` denies the same calls by name; a test compares the two.
"""

from __future__ import annotations

import errno
import platform
import socket
import struct
from collections.abc import Iterator, Sequence

DENIED = {  # name: (number on x86_64, number on aarch64), from linux/arch/x86/entry/syscalls and asm-generic/unistd.h
    "add_key": (248, 217),
    "bpf": (321, 280),
    "chroot": (161, 51),
    "delete_module": (176, 106),
    "finit_module": (313, 273),
    "fsopen": (430, 430),
    "init_module": (175, 105),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "io_uring_setup": (425, 425),
    "kexec_file_load": (320, 294),
    "kexec_load": (246, 104),
    "keyctl": (250, 219),
    "mount": (165, 40),
    "move_mount": (429, 429),
    "open_by_handle_at": (304, 265),
    "open_tree": (428, 428),
    "perf_event_open": (298, 241),
    "pidfd_getfd": (438, 438),
    "pivot_root": (155, 41),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "ptrace": (101, 117),
    "reboot": (169, 142),
    "request_key": (249, 218),
    "setns": (308, 268),
    "swapon": (167, 224),
    "umount2": (166, 39),
    "unshare": (272, 97),
    "userfaultfd": (323, 282),
}
_SOCKET = (41, 198)
_ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}  # AUDIT_ARCH_… of linux/audit.h
_X32 = 0x40000000

_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06  # of linux/bpf_common.h
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16  # offsets in struct seccomp_data
_ALLOW, _FAIL, _KILL = 0x7FFF0000, 0x00050000, 0x80000000  # SECCOMP_RET_… of linux/seccomp.h

Instruction = tuple[int, int, int, int]


def filter_program(machine: str | None = None) -> bytes:
    """The filter for this kind of machine, or the one named. Raises KeyError for one that has no numbers here."""
    column, architecture = _ARCHITECTURES[machine or platform.machine()]
    return b"".join(struct.pack("=HBBI", *one) for one in _program(column, architecture))


def _program(column: int, architecture: int) -> Sequence[Instruction]:
    """Jumps count instructions from the next one on."""
    denied = [numbers[column] for numbers in DENIED.values()]
    return [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_EQUAL, 1, 0, architecture),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER),
        (_AT_LEAST, 0, 1, _X32),
        (_RETURN, 0, 0, _KILL),
        *_each_denied(denied),
        (_EQUAL, 0, 3, _SOCKET[column]),
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        (_EQUAL, 1, 0, socket.AF_UNIX),
        (_RETURN, 0, 0, _FAIL | errno.EAFNOSUPPORT),
        (_RETURN, 0, 0, _ALLOW),
    ]


def _each_denied(numbers: Sequence[int]) -> Iterator[Instruction]:
    for number in numbers:
        yield _EQUAL, 0, 1, number
        yield _RETURN, 0, 0, _FAIL | errno.EPERM
