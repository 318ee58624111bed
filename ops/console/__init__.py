"""The ops console: what a person sees in a browser who is on call, and the few things they may stop from there.

Lives here: the application and its role, the one reader per process and the fragments that every viewer is shown of
what it saw, templates and static files. Pages are rendered on the server and are whole without script.

May not live here: anything that loosens (a page names the command that somebody signs), and queries of its own:
``dispatcher.service.operating`` hands over values.
"""
