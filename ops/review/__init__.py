"""How a review and the drafts of a report look: an incident's record as a page, as Markdown, and as charts.

Lives here: the parts that a document is made of, the one page and the one way of writing Markdown, the charts with the
sentence that each states, the order in which a reviewer is told, and printing through an installed Chromium.

May not live here: anything that reads the store or the ledger, or works out a figure: ``dispatcher.service`` hands over
values, and two documents of one record must not differ in a number.
"""
