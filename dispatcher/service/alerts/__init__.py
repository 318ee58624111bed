"""Other people's CAP alerts: where they come from, what became of each, and what waits for a person.

Lives here: profiles as files, taking an alert in, finding the incident an Update or Cancel is about, people's
decisions, the feeds that are watched and how they are polled.
May not live here: how an alert is read or judged (``dispatcher.cap``), and anything that sends: an alert proposes an
incident or raises a prompt, and a person does the rest.

    profile = profiles.load("strict", desk.settings.root)
    taken = intake.take(desk, Arrival(data, "met-office", url, Mode.LIVE, profile), "relay")
    taken.row.standing                                # opened | attached | held | recorded | refused
"""
