"""``make mutants``: change one thing in the code that decides, and see whether a test notices.

Rules
  1. What is changed: ``gate``, ``statements``, ``sending`` and ``egress`` of ``dispatcher``, and ``text`` of
     ``channels``. What must notice: their own tests and the domain's; of them, for each mutant, those that run its
     lines.
  2. Wording is left alone: docstrings, f-strings, strings with a space in them, what a log is told. So are
     annotations, decorators and the causes of errors.
  3. A mutant that no test kills needs a reason in ``survivors.toml``, or is printed. Under 95 % killed in a package,
     or a survivor without a reason, is a failure.
  4. Nothing is written into the tree: the change is made in the memory of a forked process.

Sequence: run the tests once and note which lines each of them runs (``make coverage`` ends here); fork a process per
mutant from one that has imported everything; try what survives there, and also runs on import, in a process that
imports the mutant.

Lives here: the operators, the runner, and why each survivor may live.
May not live here: anything that the product needs to run.
"""
