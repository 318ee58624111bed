"""The ops console and the exporter of metrics: who can reach them, and how people sign in."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from ipaddress import ip_address
from urllib.parse import urlsplit

from dispatcher.domain.people import Role
from dispatcher.service.examining.findings import Finding, failing, ok, warning
from dispatcher.service.examining.site import Site


def check(site: Site) -> Iterator[Finding]:
    """What is wrong with them."""
    found = [*_reached(site), *_sign_in(site), *_metrics(site)]
    yield from found
    if not found:
        yield ok("the console and the exporter are reached as they should be")


def loopback(listen: str) -> bool:
    """Whether only this host reaches an address of the form ``host:port``."""
    host = listen.rpartition(":")[0].strip("[]")
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _reached(site: Site) -> Iterator[Finding]:
    console = site.settings.console
    public = urlsplit(console.address)
    if console.address and public.scheme != "https" and not loopback(f"{public.hostname or ''}:0"):
        why = "cookies and what people read would cross the network in the clear"
        yield failing(f"console.address is {console.address}", why, "give the https address of the proxy before it")
    if not loopback(console.listen) and public.scheme != "https":
        why = "others reach it without TLS"
        fix = "listen on 127.0.0.1, or set console.address to the https address of the proxy before it"
        yield failing(f"the console listens on {console.listen} and has no https address", why, fix)


def _sign_in(site: Site) -> Iterator[Finding]:
    console = site.settings.console
    if not console.issuer:
        return
    issuer = urlsplit(console.issuer)
    if issuer.scheme != "https" and not (loopback(f"{issuer.hostname or ''}:0") and not site.production):
        yield failing(
            f"console.issuer is {console.issuer}", "its tokens could be forged on the way", "use its https address"
        )
    if not console.client_id:
        yield failing("console.client_id is missing", "nobody can sign in", "set it as the provider says")
    if not console.groups:
        why = "whoever signs in is in none, and is refused"
        yield failing("console.groups is empty", why, '[console.groups] "duty-ops" = "ops"')
    if unknown := sorted(set(console.groups.values()) - {str(role) for role in Role}):
        why = "its people are refused"
        yield failing(f"console.groups names no role: {', '.join(unknown)}", why, f"use one of: {', '.join(Role)}")
    yield from _secret(site)


def _secret(site: Site) -> Iterator[Finding]:
    if not site.settings.console.client_secret_file:
        return
    path = site.folder / site.settings.console.client_secret_file
    if not path.is_file():
        yield failing(
            f"{path} is not there", "nobody can sign in", "put the provider's client secret there, mode 0600"
        )
    elif path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        yield failing(f"{path} can be read by others", "they could pass for the console", f"chmod 600 {path}")


def _metrics(site: Site) -> Iterator[Finding]:
    if not loopback(site.settings.metrics):
        why = (
            "the exporter asks nobody who they are: account names, queues and figures are read by whoever reaches it"
        )
        fix = "listen on 127.0.0.1, or let a firewall pass Prometheus alone"
        yield warning(f"metrics are served on {site.settings.metrics}", why, fix)
