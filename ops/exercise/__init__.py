"""Exercises: nights told as data, played on simulated platforms that misbehave on purpose, and their scorecards.

Lives here: the scenarios and their reader, the stage (simulator, deployment, roles), the example cast, the player
that types the same commands as people, and the scorecard.
May not live here: anything that the product itself needs; what a run does, people can do by the same commands. No
step can name a mode: whatever a scenario says, it is played in mode exercise.
"""
