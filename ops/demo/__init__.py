"""The demo: one exercise from an alert to its evidence, against simulated platforms that misbehave on purpose.

Lives here: the stage (simulator, deployment, roles), the story told through the command line, and the tally.
May not live here: anything that the product itself needs; what the demo does, a person can do by the
same commands.
"""
