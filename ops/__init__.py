"""What operators use beside the command line: the demo, benchmarks, chaos, and later console, review, metrics.

Lives here: programs that watch, try and measure a deployment from outside, through what it records and reports.

May not live here: anything that sends, signs or decides; a second way to do what the command line does.
"""
