"""The ops console: what a person sees in a browser who is on call, and the few things they may stop from there.

Pages are rendered on the server and are whole without script. One reader per process looks at the deployment; every
viewer is shown what it saw. Nothing here may loosen: a page names the command that somebody signs.
"""
