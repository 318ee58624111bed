"""Signing in to the console, and what stands before every page of it.

``Guard`` refuses requests that no page of ours made, ``OnlyVisitors`` lets nobody in who is not signed in, ``routes``
are the pages for signing in and out, ``visitor_of`` says who asks, ``noting_of`` records who read what.
"""

from dispatcher.service.sessions import Visitor as Visitor
from ops.console.signing_in.guard import Guard as Guard
from ops.console.signing_in.pages import routes as routes
from ops.console.signing_in.visitors import OnlyVisitors as OnlyVisitors
from ops.console.signing_in.visitors import noting_of as noting_of
from ops.console.signing_in.visitors import visitor_of as visitor_of
