"""Ports on 127.0.0.1: which are free, and who holds one that is not."""

import random
import socket

import psutil

from .service import CannotStart, Service

HOST = "127.0.0.1"
BELOW_EPHEMERAL = range(20_000, 32_000)
"""Outgoing connections never take one of these, so a server that restarts finds its port free."""


def is_free(port: int) -> bool:
    """Whether a server could listen on the port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def free_ports(count: int) -> list[int]:
    """Different ports that are free at this moment; picked at random, so two stacks hardly ever collide."""
    shuffled = random.sample(BELOW_EPHEMERAL, len(BELOW_EPHEMERAL))
    return [port for port, _ in zip(filter(is_free, shuffled), range(count), strict=False)]


def require_free(services: tuple[Service, ...]) -> None:
    """Raises CannotStart when a port of a service is taken, by another program or by another service."""
    wanted: dict[int, str] = {}
    for service in services:
        for port in service.ports:
            if port in wanted:
                raise CannotStart(
                    f"Port {port} is set for both {wanted[port]} and {service.name}. "
                    f"Set another port for one of them."
                )
            wanted[port] = service.name
    for port, name in wanted.items():
        if not is_free(port):
            raise CannotStart(
                f"Port {port} on {HOST}, which {name} needs, is taken{_by_whom(port)}. "
                f"Stop that program, or set another port for {name}."
            )


def _by_whom(port: int) -> str:
    """The holder in words, or nothing when the system does not tell (it may hide other users' processes)."""
    try:
        for connection in psutil.net_connections("tcp"):
            listening = connection.status == psutil.CONN_LISTEN and connection.laddr[1:] == (port,)
            if listening and connection.pid:
                return f" by {psutil.Process(connection.pid).name()} (process {connection.pid})"
    except psutil.Error:
        pass
    return ""
