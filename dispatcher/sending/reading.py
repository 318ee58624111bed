"""What the public sees of a delivery, read by whoever holds the credential.

What a delivery was to bring about is what counts: of a message, that it can be read as it was signed; of a
withdrawal, that it took effect. So a withdrawn post that is gone is *visible*: the public sees what was meant.
Where a withdrawal is published in words of its own, such as a CAP Cancel, those are what is read.
"""

from __future__ import annotations

from collections.abc import Callable

from channels.contract import DeliveryKind, Found, ReadBack, Seen
from dispatcher.domain import canonical
from dispatcher.domain.documents import DocumentError
from dispatcher.sending.order import Bundle, Order
from dispatcher.sending.outlets import Outlets, job_of
from dispatcher.sending.prepared import Prepared

_WITHDRAWN = {Found.FOUND: Seen.VISIBLE, Found.ABSENT: Seen.MISSING, Found.UNKNOWN: Seen.UNKNOWN}


async def read_back(
    read: Callable[[Bundle], Prepared], outlets: Outlets, bundle: Bundle, order: Order, reference: str
) -> ReadBack:
    """Have the account's adapter look. ``read`` is the sender's own reading of a bundle."""
    try:
        texts = read(bundle).texts
    except (canonical.CanonicalError, DocumentError) as error:
        return ReadBack(Seen.UNKNOWN, reason=str(error))
    outlet = outlets.get(order.account)
    if outlet is None or order.rendering not in texts.renderings:
        return ReadBack(Seen.UNKNOWN, reason="this sender cannot look there")
    job = job_of(texts, order, outlet)
    if order.kind is not DeliveryKind.WITHDRAW or outlet.adapter.capabilities.withdraws_in_words:
        return await outlet.adapter.read_back(job, reference)
    finding = await outlet.adapter.find(job)
    return ReadBack(_WITHDRAWN[finding.found], reason=finding.reason)
