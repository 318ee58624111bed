"""What a confined process tries: run inside the sandbox, it prints what it reached, as JSON. Needs nothing of ours.

Arguments: one JSON object with the places outside, by name.
"""

import contextlib
import ctypes
import json
import os
import socket
import sys
from pathlib import Path

outside = json.loads(sys.argv[1])
libc = ctypes.CDLL(None, use_errno=True)
reached: dict[str, bool] = {}
FAMILIES = {  # by their numbers, because not every Python knows all of them
    "packets": (17, socket.SOCK_RAW),
    "netlink": (16, socket.SOCK_RAW),
    "the host of a virtual machine": (40, socket.SOCK_STREAM),
    "the kernel's ciphers": (38, socket.SOCK_SEQPACKET),
    "Bluetooth": (31, socket.SOCK_RAW),
    "TIPC": (30, socket.SOCK_SEQPACKET),
    "CAN": (29, socket.SOCK_RAW),
}


@contextlib.contextmanager
def attempt(name):
    """It reached something unless it fails."""
    reached[name] = False
    with contextlib.suppress(OSError):
        yield
        reached[name] = True


def connect(name, family, address, kind=socket.SOCK_STREAM):
    """Reach an address."""
    with attempt(name), socket.socket(family, kind) as line:
        line.settimeout(1)
        line.connect(address)
        line.send(b"hello")


def syscall(name, numbers, *arguments):
    """Make a call that is to be denied; an answer other than EPERM and EAFNOSUPPORT says that it was looked at."""
    number = numbers[os.uname().machine != "x86_64"]
    answer = libc.syscall(number, *arguments)
    reached[name] = answer >= 0 or ctypes.get_errno() not in (1, 97)


def main():
    """Try everything."""
    port = outside["port"]
    connect("TCP to loopback", socket.AF_INET, ("127.0.0.1", port))
    connect("TCP to another loopback address", socket.AF_INET, ("127.8.9.10", port))
    connect("TCP to any address", socket.AF_INET, ("0.0.0.0", port))
    connect("TCP to the host", socket.AF_INET, (outside["host"], port))
    connect("TCP over IPv6", socket.AF_INET6, ("::1", port))
    connect("TCP to a mapped address", socket.AF_INET6, ("::ffff:127.0.0.1", port))
    connect("UDP to loopback", socket.AF_INET, ("127.0.0.1", port), socket.SOCK_DGRAM)
    connect("UDP to a resolver", socket.AF_INET, ("127.0.0.53", 53), socket.SOCK_DGRAM)
    connect("UDP over IPv6", socket.AF_INET6, ("::1", port), socket.SOCK_DGRAM)
    with attempt("a raw socket"):
        socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP).close()
    for family, (number, kind) in FAMILIES.items():
        with attempt(f"a socket of {family}"):
            socket.socket(number, kind).close()
    interfaces = [line.split(":")[0].strip() for line in Path("/proc/self/net/dev").read_text().splitlines()[2:]]
    reached["an interface"] = any(name != "lo" for name in interfaces)
    connect("an abstract socket", socket.AF_UNIX, "\0" + outside["abstract"])
    for name, path in outside["sockets"].items():
        connect(name, socket.AF_UNIX, path)
    for name, path in outside["files"].items():
        with attempt(name):
            os.close(os.open(path, os.O_RDONLY))
    for name, path in outside["written"].items():
        with attempt(name):
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
    seen = [place for place in Path("/proc").iterdir() if place.name.isdigit()]
    reached["another process"] = [place.name for place in seen] != [str(os.getpid())]
    said = b"".join(environment(place) for place in seen)
    reached["the environment outside"] = outside["planted"].encode() in said
    rights = dict(line.split(":\t") for line in Path("/proc/self/status").read_text().splitlines())
    reached["a capability"] = int(rights["CapEff"], 16) != 0 or int(rights["CapBnd"], 16) != 0
    reached["new privileges"] = rights["NoNewPrivs"] != "1"
    if outside["harmful"]:
        make_denied_calls()
    with attempt("its own credentials"):
        os.close(os.open(outside["own"]["credentials"], os.O_RDONLY))
    with attempt("its own renewed secrets"):
        os.close(os.open(outside["own"]["renewed"] + "/new.age", os.O_WRONLY | os.O_CREAT, 0o600))
    with attempt("its own record"):
        os.close(os.open(outside["own"]["record"] + "/spent.jsonl", os.O_WRONLY | os.O_CREAT, 0o600))
    with attempt("its own socket"), socket.socket(socket.AF_UNIX) as listening:
        listening.bind(outside["own"]["socket"])
    connect("the egress proxy", socket.AF_UNIX, outside["own"]["egress"])
    sys.stdout.write(json.dumps(reached))


def environment(process):
    """What a process was given, where that may be read."""
    with contextlib.suppress(OSError):
        return (process / "environ").read_bytes()
    return b""


def make_denied_calls():
    """Calls that would do harm where nothing denies them."""
    connect("TCP to a metadata service", socket.AF_INET, ("169.254.169.254", 80))
    connect("TCP to a private network", socket.AF_INET, ("10.0.0.1", 443))
    connect("TCP to a public resolver", socket.AF_INET, ("9.9.9.9", 53))
    syscall("ptrace", (101, 117), 16, os.getppid(), 0, 0)
    syscall("mount", (165, 40), b"none", b"/tmp", b"tmpfs", 0, 0)
    syscall("another network", (272, 97), 0x40000000)
    syscall("another user namespace", (272, 97), 0x10000000)
    syscall("somebody's namespace", (308, 268), 0, 0)
    syscall("bpf", (321, 280), 0, 0, 0)
    syscall("io_uring", (425, 425), 1, ctypes.create_string_buffer(120))
    syscall("keys of the kernel", (250, 219), 0, -3, 0)
    syscall("another process's memory", (310, 270), os.getpid(), 0, 0, 0, 0, 0)
    syscall("a file by its handle", (304, 265), -1, 0, 0)
    syscall("another root", (161, 51), b"/tmp")
    syscall("a netlink socket by its number", (41, 198), 16, 3, 0)


main()
