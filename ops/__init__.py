"""What operators use beside the command line: the demo, benchmarks, chaos, and later console, metrics.

Lives here: programs that watch, try and measure a deployment from outside, through what it records and reports; how
that record looks as a document (``review``).

May not live here: anything that sends, signs or decides; a second way to do what the command line does.
"""
